/** Where Bedrock (`/model/{id}/invoke`) and Vertex (`/models/{id}:rawPredict`) have the model in their paths. */
const inPath =
  /(\/model\/)([^?#]+)(\/[\w-]+)(?=$|[?#])|(\/publishers\/[^/?#]+\/models\/)([^/:?#]+)(:\w+)(?=$|[?#])/

/** The URL or path with another model in it; undefined where it has none, as in Vertex's count of tokens. */
export function withModelInPath(url: string, model: string): string | undefined {
  if (!inPath.test(url) || /\/models\/count-tokens:/.test(url)) return undefined
  const encoded = encodeURIComponent(model)
  return url.replace(inPath, (_, ...parts: (string | undefined)[]) =>
    parts[0] === undefined ? `${parts[3]}${encoded}${parts[5]}` : `${parts[0]}${encoded}${parts[2]}`,
  )
}
