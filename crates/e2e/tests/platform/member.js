// Run by the Node of a shared n8n's own image, inside its main: one who shares it, by their key. Prints what became of it as JSON.
const crypto = require('node:crypto');
const fs = require('node:fs');

const { USER, KEY, DO, WORKFLOW } = process.env;

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: USER, iss: 'n8n', aud: 'public-api', jti: KEY, iat: 1 })}`;
const secret = fs.readFileSync('/run/secrets/jwt_secret', 'utf8');
const key = `${signed}.${crypto.createHmac('sha256', secret).update(signed).digest('base64url')}`;

const ask = async (method, path, body) => {
  const headers = { 'content-type': 'application/json', 'x-n8n-api-key': key };
  const answer = await fetch(`http://127.0.0.1:5678${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, text };
};

const DOES = {
  key: async () => ({ key }),
  save: () => ask('POST', '/api/v1/workflows', JSON.parse(WORKFLOW)),
  activate: () => ask('POST', `/api/v1/workflows/${WORKFLOW}/activate`, {}),
  call: () => ask('POST', `/webhook/${WORKFLOW}`, { say: 'hello' }),
};

DOES[DO]().then((seen) => console.log(JSON.stringify(seen)));
