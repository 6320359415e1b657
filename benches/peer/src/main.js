// Starts the peer: a process for each core, as those who want speed from Node do.
import cluster from 'node:cluster'
import { app } from './app.js'
import { store } from './store.js'

const { PEER_PORT, PEER_WORKERS, PEER_CONNECTIONS, DATABASE_URL, JWT_SECRET, HMAC_SECRET } = process.env

if (cluster.isPrimary) {
  for (let worker = 0; worker < Number(PEER_WORKERS); worker++) cluster.fork()
  cluster.on('exit', () => process.exit(1))
} else {
  // Together as many connections as the gateway has.
  const connections = Math.ceil(Number(PEER_CONNECTIONS) / Number(PEER_WORKERS))
  const tenants = store(DATABASE_URL, connections)
  const server = app({ tokenSecret: JWT_SECRET, signatureSecret: HMAC_SECRET, tenants })
  await server.listen({ host: '127.0.0.1', port: Number(PEER_PORT) })
}
