// Runs inside a container: `node -e … host:port …`. Prints one JSON object: for each address "ok", or why there was no connection.
const net = require('net');
const reach = (address) =>
  new Promise((resolve) => {
    const [host, port] = address.split(':');
    const socket = net.connect({ host, port: Number(port), timeout: 5000 }, () => socket.destroy() && resolve('ok'));
    socket.on('error', (error) => resolve(String(error.code)));
    socket.on('timeout', () => socket.destroy() && resolve('timeout'));
  });

(async () => {
  const found = {};
  for (const address of process.argv.slice(1)) found[address] = await reach(address);
  console.log(JSON.stringify(found));
})();
