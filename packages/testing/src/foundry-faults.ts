import type { StatusFault } from './fault.ts'

/** Faults of Foundry by name. */
export type FoundryFaultName =
  | 'throttledByFront'
  | 'throttledByFrontFor'
  | 'throttledByMinute'
  | 'throttledByClaude'
  | 'unauthorized'
  | 'expiredToken'
  | 'networkDenied'
  | 'roleMissing'
  | 'deploymentNotFound'
  | 'timeout'
  | 'internal'
  | 'overloaded'
  | 'frontDoor'
  | 'applicationGateway'

/** The body of an error of Azure's front. */
export function azureError(code: string, message: string): string {
  return JSON.stringify({ error: { code, message } })
}

export const invalidKey: string =
  'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.'
export const noDeployment: string =
  'The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.'

const azure = (status: number, code: string, message: string): StatusFault => ({
  type: 'status',
  status,
  body: azureError(code, message),
})

const throttled = (seconds: number): string =>
  `Requests to the Messages_Create Operation have exceeded token rate limit of your current pricing tier. Please retry after ${seconds} seconds.`

const page = (status: number, body: string, headers: Readonly<Record<string, string>>): StatusFault => ({
  type: 'status',
  status,
  bare: true,
  contentType: 'text/html',
  headers,
  body,
})

/** In the words of Azure's front as public issues quote them until November 2026; Claude's own in those of Claude. */
export const foundryFaults: Readonly<Record<FoundryFaultName, StatusFault>> = {
  throttledByFront: azure(429, '429', throttled(6)),
  throttledByFrontFor: { ...azure(429, '429', throttled(6)), retryAfter: 6 },
  throttledByMinute: {
    ...azure(
      429,
      'RateLimitReached',
      'Rate limit of 40 per 60s exceeded for UserByModelByMinute. Please wait 44 seconds before retrying.',
    ),
    retryAfter: 44,
  },
  throttledByClaude: { type: 'status', status: 429 },
  unauthorized: azure(401, '401', invalidKey),
  // Without an error object, as azure-sdk-for-net#50872 and vscode#283763 quote it.
  expiredToken: {
    type: 'status',
    status: 401,
    body: JSON.stringify({
      statusCode: 401,
      message:
        'Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired.',
    }),
  },
  networkDenied: azure(403, '403', 'Access denied due to Virtual Network/Firewall rules.'),
  roleMissing: azure(401, 'PermissionDenied', 'Principal does not have access to API/Operation.'),
  deploymentNotFound: azure(404, 'DeploymentNotFound', noDeployment),
  timeout: azure(408, 'Timeout', 'The operation was timeout.'),
  internal: azure(500, 'InternalServerError', 'Backend returned unexpected response.'),
  overloaded: { type: 'status', status: 529 },
  frontDoor: page(
    503,
    "<!DOCTYPE html><html><head><title>Service unavailable</title></head><body><h2>Our services aren't available right now</h2><p>We're working to restore all services as soon as possible. Please check back soon.</p></body></html>",
    { 'x-azure-ref': '0example', 'x-cache': 'CONFIG_NOCACHE' },
  ),
  applicationGateway: page(
    502,
    '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>Microsoft-Azure-Application-Gateway/v2</center>\r\n</body>\r\n</html>\r\n',
    { server: 'Microsoft-Azure-Application-Gateway/v2' },
  ),
}
