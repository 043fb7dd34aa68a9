// HTTP/2, which loads Node.js's own, is loaded with the first connection that speaks it.
module.exports = (...connection) => require('undici/lib/dispatcher/client-h2.js')(...connection)
