import type { Command } from 'commander'
import { asCode, asText, tableOf } from './table.ts'

/** The page of all commands, from the program that runs them. */
export function cliReference(program: Command): string {
  const commands = treeOf(program).filter(({ command }) => command !== program)
  const overview = program.commands.map((command) => {
    const name = `${program.name()} ${command.name()}`
    return [`[\`${name}\`](#${name.replaceAll(' ', '-')})`, asText(command.description())]
  })
  return [
    '# Command line',
    `\`npm install -g @spillway/gateway\` installs \`${program.name()}\`. ${asText(program.description())} This page is written from the program: it says what \`--help\` says.`,
    tableOf(['command', 'what it does'], overview),
    ...commands.map(({ path, command }) => sectionOf(path, command)),
  ].join('\n\n')
}

interface Named {
  readonly path: string
  readonly command: Command
}

function treeOf(command: Command, path: string = command.name()): Named[] {
  return [{ path, command }, ...command.commands.flatMap((each) => treeOf(each, `${path} ${each.name()}`))]
}

function sectionOf(path: string, command: Command): string {
  const level = path.split(' ').length
  const help = command.createHelp()
  const usage = `${path} ${command.usage()}`.replace(' [options] [command]', ' COMMAND')
  const parts = [
    `${'#'.repeat(level)} ${path}`,
    asText(sentence(command.description())),
    command.commands.length > 0 ? '' : `\`\`\`sh\n${usage}\n\`\`\``,
    tableOf(
      ['argument', 'what it is'],
      help.visibleArguments(command).map((each) => [asCode(each.name()), asText(each.description)]),
    ),
    tableOf(
      ['option', 'what it does'],
      help
        .visibleOptions(command)
        .filter(({ long }) => long !== '--help')
        .map((each) => [asCode(each.flags), asText(help.optionDescription(each))]),
    ),
    notesOf(command),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

/** What the help of a command says besides its arguments and options. */
function notesOf(command: Command): string {
  let written = ''
  command.configureOutput({
    writeOut(text) {
      written += text
    },
  })
  command.outputHelp()
  const notes = written.slice(command.helpInformation().length).trim()
  return notes === '' ? '' : `\`\`\`text\n${notes}\n\`\`\``
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase()
  return text === '' ? '' : `${first}${text.slice(1)}${/[.?!]$/.test(text) ? '' : '.'}`
}
