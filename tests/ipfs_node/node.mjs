// A js-ipfs node that serves Kubo's RPC API on loopback and reaches nobody: node.mjs REPO prints the API's URL.

// Packages that js-ipfs resolves to want it, and node 20 does not have it yet.
Promise.withResolvers ??= () => {
  let resolve, reject
  const promise = new Promise((yes, no) => { resolve = yes; reject = no })
  return { promise, resolve, reject }
}

// Only now, because an import would run before the line above.
const { create } = await import('ipfs-core')
const { HttpApi } = await import('ipfs-http-server')

const node = await create({
  repo: process.argv[2],
  offline: true,
  silent: true,
  config: {
    Addresses: { Swarm: [], Delegates: [], API: '/ip4/127.0.0.1/tcp/0', Gateway: '' },
    Bootstrap: [],
    Discovery: { MDNS: { Enabled: false }, webRTCStar: { Enabled: false } }
  }
})
const api = new HttpApi(node)
await api.start()
console.log(api._apiServers[0].info.uri)
