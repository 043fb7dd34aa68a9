import type { ClientWithKey } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { Code } from '../../ui/empty.tsx'
import { Modal } from '../../ui/modal.tsx'

interface NewKeyProps {
  readonly made: ClientWithKey
  readonly onClose: () => void
}

/** A key that is shown this once, and what to paste with it. */
export function NewKey({ made: { client, key }, onClose }: NewKeyProps): JSX.Element {
  const gateway = location.href.replace(/[?#].*$/, '').replace(/\/+$/, '')
  const can = (...permissions: readonly string[]): boolean =>
    permissions.some((each) => client.permissions.includes(each))
  return (
    <Modal title={`The key of ${client.name}`} onClose={onClose} isKept>
      <p>Copy it now: it is shown only once, and the gateway keeps only a hash.</p>
      <Code text={key} where="Key" />
      {can('claude:code', 'chat', 'messages') && (
        <Code text={`ANTHROPIC_BASE_URL=${gateway} ANTHROPIC_AUTH_TOKEN=${key} claude`} where="Claude Code" />
      )}
      {can('chat') && (
        <Code text={`OPENAI_BASE_URL=${gateway}/v1\nOPENAI_API_KEY=${key}`} where="OpenAI’s SDKs" />
      )}
      {can('metrics', 'admin') && (
        <Code text={scrapeConfig()} where="Prometheus; the key goes into the file spillway.key" />
      )}
      <footer>
        <button type="button" class="primary" onClick={onClose}>
          Done, I have the key
        </button>
      </footer>
    </Modal>
  )
}

const scrapeConfig = (): string => `scrape_configs:
  - job_name: spillway
    scheme: ${location.protocol.replace(':', '')}
    authorization: { credentials_file: spillway.key }
    static_configs: [{ targets: ["${location.host}"] }]`
