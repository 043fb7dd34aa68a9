import { generate } from 'selfsigned'

/** A key and a certificate for 127.0.0.1 that vouches for itself. */
export async function selfSigned(): Promise<{ key: string; cert: string }> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  })
  return { key, cert }
}

/** A certificate of a company's own authority for names that are not its own, and that authority's. */
export async function intercepting(
  names: readonly string[],
): Promise<{ key: string; cert: string; ca: string }> {
  const options = { keyType: 'ec', algorithm: 'sha256' } as const
  const authority = await generate([{ name: 'commonName', value: 'Example Corp' }], {
    ...options,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  const { private: key, cert } = await generate([{ name: 'commonName', value: names[0] ?? '' }], {
    ...options,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [{ name: 'subjectAltName', altNames: names.map((value) => ({ type: 2, value })) }],
  })
  return { key, cert, ca: authority.cert }
}

/** A key and a certificate of this name for 127.0.0.1 that vouches for itself and for clients that show it. */
export async function certificateFor(
  name: string,
  { days = 365 }: { readonly days?: number } = {},
): Promise<{ key: string; cert: string }> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: name }], {
    ...{ keyType: 'ec', algorithm: 'sha256' },
    notAfterDate: new Date(Date.now() + days * 86_400_000),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 7, ip: '127.0.0.1' },
          { type: 2, value: 'localhost' },
        ],
      },
    ],
  })
  return { key, cert }
}
