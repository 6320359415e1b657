// Runs inside one tenant's container and tries everything it should not be able to do to another's.
// Prints one JSON object: each attempt with "ok" when it worked and the reason when it did not.
const fs = require('fs');
const net = require('net');
const homes = ['/opt/n8n', '/usr/local/lib/node_modules/n8n'].flatMap((home) => [home, `${home}/node_modules`]);
const load = (name) => require(require.resolve(name, { paths: homes }));
const { Client } = load('pg');
const Redis = load('ioredis');

const env = process.env;
const own = env.DB_POSTGRESDB_USER;
const other = env.OTHER;
const secret = (variable) => fs.readFileSync(env[variable], 'utf8');
const found = {};

async function attempt(name, action) {
  try {
    await action();
    found[name] = 'ok';
  } catch (error) {
    found[name] = String(error.code || error.message || error).slice(0, 120);
  }
}

async function query(database, sql) {
  const client = new Client({
    host: env.DB_POSTGRESDB_HOST,
    port: Number(env.DB_POSTGRESDB_PORT),
    user: own,
    password: secret('DB_POSTGRESDB_PASSWORD_FILE'),
    database,
    connectionTimeoutMillis: 5000,
  });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

function reach(host, port) {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, timeout: 3000 }, () => resolve(socket.destroy()));
    socket.on('error', reject);
    socket.on('timeout', () => reject(new Error('timeout')) || socket.destroy());
  });
}

(async () => {
  await attempt('own_database', () => query(own, 'select count(*) from workflow_entity'));
  await attempt('database_of_the_other', () => query(other, 'select 1'));
  await attempt('database_of_the_platform', () => query('rp9', 'select 1'));
  await attempt('database_postgres', () => query('postgres', 'select 1'));
  await attempt('database_template', () => query('template1', 'select 1'));
  await attempt('role_of_the_other', () => query(own, `set role "${other}"`));
  await attempt('passwords', () => query(own, 'select * from pg_authid'));
  await attempt('new_role', () => query(own, 'create role intruder'));
  await attempt('new_database', () => query(own, 'create database intruder'));
  await attempt('files_of_the_server', () => query(own, "select pg_read_file('/etc/passwd')"));

  const redis = new Redis({
    host: env.QUEUE_BULL_REDIS_HOST,
    port: Number(env.QUEUE_BULL_REDIS_PORT),
    username: env.QUEUE_BULL_REDIS_USERNAME,
    password: secret('QUEUE_BULL_REDIS_PASSWORD_FILE'),
    enableReadyCheck: false,
    maxRetriesPerRequest: 1,
  });
  redis.on('error', () => {});
  await attempt('own_queue', () => redis.set(`${own}:intruder`, '1', 'EX', 60));
  await attempt('key_of_the_other', () => redis.get(`${other}:bull:jobs:id`));
  await attempt('write_for_the_other', () => redis.set(`${other}:x`, '1'));
  await attempt('channel_of_the_other', () => redis.publish(`${other}:n8n.commands`, 'x'));
  await attempt('all_keys', () => redis.call('KEYS', '*'));
  await attempt('flush', () => redis.call('FLUSHALL'));
  await attempt('config', () => redis.call('CONFIG', 'GET', '*'));
  await attempt('acl', () => redis.call('ACL', 'LIST'));
  await attempt('script_on_the_other', () => redis.eval('return redis.call("GET", KEYS[1])', 1, `${other}:x`));
  redis.disconnect();

  await attempt('n8n_of_the_other', () => reach(env.ADDRESS, 5678));
  await attempt('bus', () => reach('nats', 4222));
  await attempt('api', () => reach('gateway', 8080));
  console.log(JSON.stringify(found));
})();
