/** `GET /protocol`: what programs can rely on here. */
export const protocol: object = {
  gateway_protocol_version: 1,
  sign_in: {
    discovery: 'GET /.well-known/oauth-authorization-server',
    device_authorization: 'POST /oauth/device_authorization (RFC 8628)',
    token: 'POST /oauth/token with grant_type device_code or refresh_token',
    revocation: 'POST /oauth/revoke (RFC 7009)',
    errors: {
      400: 'authorization_pending, expired_token, access_denied',
      401: 'invalid_grant: sign in again',
      429: 'slow_down',
      503: 'temporarily_unavailable: try again with the same token',
    },
  },
  managed_settings: 'GET /managed/settings; ETag and If-None-Match; 404 where there are none',
  models: 'GET /v1/models',
  usage: 'GET /api/oauth/usage',
  inference: 'POST /v1/messages, POST /v1/messages/count_tokens',
  authentication: 'Authorization: Bearer, or x-api-key',
}
