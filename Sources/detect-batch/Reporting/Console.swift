import Glibc
import Synchronization

/// Standard error: whole lines from any thread and, on a terminal, one last line that is drawn over and over.
final class Console: Sendable {
  /// The one of this process.
  static let standardError = Console()

  private struct State {
    var status: String?
  }

  private let state = Mutex(State())

  /// Whether somebody may be looking, on a terminal that can draw a line anew.
  let isTerminal =
    isatty(STDERR_FILENO) == 1 && understandsEscapes(getenv("TERM").map { String(cString: $0) })

  /// Whether a terminal of this kind (`TERM`) does what escape sequences ask for.
  static func understandsEscapes(_ kind: String?) -> Bool {
    kind.map { !$0.isEmpty && $0 != "dumb" } ?? false
  }

  /// Columns of the terminal; 80 where it does not say.
  var columns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Writes one line; control characters in it, as in the names of files, are spelled out.
  func writeLine(_ text: String) {
    state.withLock { state in
      let erase = state.status == nil ? "" : Self.eraseLine
      Self.write(erase + Self.visible(text) + "\n" + (state.status ?? ""))
    }
  }

  /// Draws the line at the bottom anew, cut to the terminal's width; nil takes it away. Not to be used where
  /// there is no terminal.
  func show(_ status: String?) {
    let columns = columns
    state.withLock { state in
      let text = status.map { String(Self.visible($0).prefix(columns - 1)) }
      // Letters can be wider than a column: what does not fit is not to begin another row.
      let drawn = text.map { "\u{1b}[?7l\($0)\u{1b}[?7h" }
      guard drawn != state.status else { return }
      Self.write(Self.eraseLine + (drawn ?? ""))
      state.status = drawn
    }
  }

  private static let eraseLine = "\r\u{1b}[K"

  /// The text with control characters spelled out, so that it is one line and does nothing to a terminal.
  static func visible(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      return text
    }
    return text.unicodeScalars.map { scalar in
      switch scalar {
      case "\n": "\\n"
      case "\r": "\\r"
      case "\t": "\\t"
      case _ where scalar.properties.generalCategory == .control:
        "\\u{" + String(scalar.value, radix: 16) + "}"
      default: String(Character(scalar))
      }
    }.joined()
  }

  private static func write(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      // There is no place left to say that standard error cannot be written.
      if count <= 0 { return }
      bytes = bytes.dropFirst(count)
    }
  }
}
