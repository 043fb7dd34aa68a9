import { Command, type Option } from 'commander'

/** `spillway completion bash` */
export function completionCommand(program: () => Promise<Command>): Command {
  const command = new Command('completion').addHelpText(
    'after',
    `
  bash: eval "$(spillway completion bash)" in ~/.bashrc
  zsh:  eval "$(spillway completion zsh)" in ~/.zshrc, behind compinit
  fish: spillway completion fish > ~/.config/fish/completions/spillway.fish`,
  )
  for (const shell of ['bash', 'zsh', 'fish'] as const)
    command
      .command(shell)
      .description(`for ${shell}`)
      .action(async () => {
        const words = wordsOf(await program())
        console.log(shell === 'fish' ? fish(words) : bash(words, shell === 'zsh'))
      })
  return command
}

/** What may follow, by the commands that are typed already. */
type Words = readonly (readonly [path: string, words: readonly string[]])[]

function wordsOf(command: Command, path = ''): Words {
  const flags = command.options.flatMap(({ long }: Option) => (long ? [long] : []))
  const names = command.commands.map((each) => each.name())
  return [
    [path, [...names, ...flags, '--help']],
    ...command.commands.flatMap((each) =>
      wordsOf(each, path === '' ? each.name() : `${path} ${each.name()}`),
    ),
  ]
}

function bash(words: Words, isZsh: boolean): string {
  const cases = words.map(([path, all]) => `    '${path}') words='${all.join(' ')}' ;;`)
  return `${isZsh ? 'autoload -U +X bashcompinit && bashcompinit\n' : ''}_spillway() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' word words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$word" in -*) ;; *) case " ${words.map(([path]) => path.replaceAll(' ', '_')).join(' ')} " in
      *" \${path:+\${path// /_}_}$word "*) path="\${path:+$path }$word" ;; esac ;; esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ -z "\${COMPREPLY[*]}" ]] && COMPREPLY=($(compgen -f -- "$current"))
}
complete -F _spillway spillway`
}

function fish(words: Words): string {
  const lines = words.map(([path, all]) => {
    const parts = path === '' ? [] : path.split(' ')
    const condition =
      parts.length === 0
        ? '__fish_use_subcommand'
        : parts.map((part) => `__fish_seen_subcommand_from ${part}`).join('; and ')
    return `complete -c spillway -n '${condition}' -a '${all.join(' ')}'`
  })
  return lines.join('\n')
}
