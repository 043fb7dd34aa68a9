/** Keys of vendors, age identities, tokens, and passwords in addresses. */
const secrets =
  /\b(?:sk|sw|pk|hvs|hvb|s)[-.][\w.-]{12,}|AGE-SECRET-KEY-[\w-]+|\bey[\w-]{8,}\.[\w-]+\.[\w.-]*|\bBearer\s+\S+|(?<=\/\/[^\s/:@]{0,64}:)[^\s/@]{1,256}(?=@)/gi

/** A text for the log: what an upstream or a driver quotes may hold a secret. */
export function redacted(text: string): string {
  return text.replace(secrets, '[redacted]')
}
