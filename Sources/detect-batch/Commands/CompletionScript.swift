import ArgumentParser

/// What a shell reads to complete `detect-batch`: the parser's own script, and what it leaves out: that the words of the
/// default command, `detect`, come without its name as a rule.
enum CompletionScript {
  /// The script for a shell.
  static func text(for shell: CompletionsCommand.Shell) -> String {
    let script = DetectBatch.completionScript(for: shell.inParser)
    switch shell {
    // It is read by a shell, not run.
    case .bash: return script.trimmingPrefix("#!/bin/bash\n") + bash
    case .zsh: return script.replacing(zshEnd, with: zsh)
    case .fish: return script + fish(script)
    }
  }

  /// Everything that is a command where the first word stands.
  private static let commands =
    DetectBatch.configuration.subcommands.compactMap { $0.configuration.commandName }
    + ["help"]

  /// The parser's function is called with the line as it would be with `detect`, and for the first word without too.
  private static let bash = """

    # What may come after `detect-batch detect` may come without `detect`.
    _detect-batch_default() {
        local -a line=("${COMP_WORDS[@]}")
        local -i word="${COMP_CWORD}"
        COMPREPLY=()
        case "${line[1]}" in
        \(commands.joined(separator: "|")))
            _detect-batch "${@}"
            return
            ;;
        esac
        if [[ "${word}" -eq 1 && "${2}" != -* ]]; then _detect-batch "${@}"; fi
        local -a COMP_WORDS=("${line[0]}" detect "${line[@]:1}")
        local -i COMP_CWORD=$((word + 1))
        _detect-batch "${@}"
    }

    complete -o filenames -F _detect-batch_default detect-batch
    """

  /// How the parser's script ends.
  private static let zshEnd = """
    if [[ "${funcstack[1]}" = _detect-batch ]]; then
        _detect-batch "${@}"
    else
        compdef _detect-batch detect-batch
    fi
    """

  private static let zsh = """
    # What may come after `detect-batch detect` may come without `detect`.
    _detect-batch_default() {
        local -i ret=1
        local -ar commands=(\(commands.joined(separator: " ")))
        if (( CURRENT > 2 && ${commands[(Ie)${words[2]}]} )); then
            _detect-batch "${@}"
            return
        fi
        if [[ CURRENT -eq 2 && "${PREFIX}" != -* ]]; then _detect-batch "${@}" && ret=0; fi
        words=("${words[1]}" detect "${(@)words[2,-1]}")
        (( CURRENT++ ))
        _detect-batch "${@}" && ret=0
        return "${ret}"
    }

    if [[ "${funcstack[1]}" = _detect-batch ]]; then
        _detect-batch_default "${@}"
    else
        compdef _detect-batch_default detect-batch
    fi
    """

  /// What the script offers after `detect`, offered where no command was named.
  private static func fish(_ script: String) -> String {
    let condition = "-n 'not __fish_seen_subcommand_from \(commands.joined(separator: " "))'"
    let lines = script.split(separator: "\n").filter { $0.contains("\"detect-batch detect\"") }
    return "\n# What may come after `detect-batch detect` may come without `detect`.\n"
      + lines.map {
        $0.replacing(/-n '[^']*"detect-batch detect"[^']*'/, with: condition)
      }.joined(separator: "\n")
  }
}
