// The routes that are measured.
import { randomUUID } from 'node:crypto'
import Fastify from 'fastify'
import { Refused, sees, signatures, tokens } from './auth.js'
import { parse, shown, untyped } from './tenant.js'

/** The application; it logs nothing, as the fastest ones do. */
export function app({ tokenSecret, signatureSecret, tenants }) {
  const server = Fastify({ logger: false, bodyLimit: 64 * 1024, genReqId: () => randomUUID() })
  server.decorateRequest('caller', null)
  server.decorateRequest('rawBody', null)
  // Signatures are over the bytes, so these are kept; parsed once, with what is built in.
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    request.rawBody = body
    try {
      done(null, JSON.parse(body))
    } catch {
      done(new Refused(400, 'invalid_json'))
    }
  })
  server.setErrorHandler((error, _request, reply) => {
    const { status = error.statusCode ?? 500, code = 'internal', errors } = error
    if (status === 500) console.error(error)
    reply.code(status).type('application/problem+json').send(JSON.stringify({ code, status, errors }))
  })
  server.get('/ready', async () => 'ready')
  server.register(async (api) => {
    api.addHook('onRequest', tokens(tokenSecret))
    api.post('/tenants', { preHandler: signatures(signatureSecret) }, async (request, reply) => {
      const answer = await tenants.create(request, parse(request.body))
      reply.code(answer.status).header('location', answer.location).type('application/json')
      if (answer.replayed) reply.header('idempotency-replayed', 'true')
      return answer.body
    })
    api.get('/tenants/:id', async (request) => {
      const { id } = request.params
      const row = sees(request.caller, id) ? await tenants.find(untyped('ten', id)) : undefined
      if (!row) throw new Refused(404, 'not_found')
      return shown(row)
    })
  })
  return server
}
