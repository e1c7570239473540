import DetectionRecords
import Files
import FoundationEssentials
import JSONText
import SystemPackage

/// What the state of output directories says of how records were made: for each directory and settings, how many inputs
/// of the report were made with them, when and in what time.
struct RunFacts {
  /// Inputs of one directory that were made with the same settings.
  private struct Run {
    var output: OutputDirectory
    /// Nil for inputs that the directory's state does not tell of.
    var settings: String?
    var inputs = 0
    var seconds = 0.0
    var decodeErrors = 0
    /// When record files were written last, in seconds since 1970.
    var written: ClosedRange<Double>?
  }

  private var runs: [Run] = []

  /// Takes the first record of an input, and what the manifest says of it.
  mutating func add(_ line: RecordLine, _ entry: ManifestEntry?) {
    guard let output = line.file.output else { return }
    let settings = entry?.key.settingsDigest
    var place = runs.count
    if let index = runs.firstIndex(where: { $0.output == output && $0.settings == settings }) {
      place = index
    } else {
      runs.append(Run(output: output, settings: settings))
    }
    runs[place].inputs += 1
    runs[place].seconds += entry?.outcome.seconds ?? 0
    runs[place].decodeErrors += entry?.outcome.decodeErrors ?? 0
    // A file that is gone meanwhile has no time.
    if let path = line.file.path, let time = (try? Stat(path))?.modificationSeconds {
      let old = runs[place].written ?? time...time
      runs[place].written = min(old.lowerBound, time)...max(old.upperBound, time)
    }
  }

  /// The score above which all of these runs recorded all classes; nil where there are several, or none is known.
  var threshold: Double? {
    let scores = Set(
      runs.flatMap { run in
        settings(of: run).filter { $0.name.hasPrefix("class ") }.map { $0.value }
      })
    return scores.count == 1 ? scores.first.flatMap(Double.init) : nil
  }

  /// What the page is told: a list of objects, the one with most inputs first.
  var json: JSONValue {
    .array(
      runs.sorted { $1.inputs < $0.inputs }.map { run in
        .object([
          ("title", .string(run.output.path.oneLine)),
          ("facts", Self.pairs(facts(of: run))), ("settings", Self.pairs(settings(of: run))),
        ])
      })
  }

  private func facts(of run: Run) -> [(name: String, value: String)] {
    var facts = [("inputs of this report", "\(run.inputs)")]
    if let written = run.written {
      let (first, last) = (Self.date(written.lowerBound), Self.date(written.upperBound))
      facts.append(("records written", first == last ? first : "\(first) to \(last)"))
    }
    if run.seconds > 0 {
      facts.append(("time of all inputs", "\(Int(run.seconds.rounded())) s"))
    }
    if run.decodeErrors > 0 { facts.append(("errors of decoders", "\(run.decodeErrors)")) }
    let settings = settings(of: run)
    for (name, words) in [
      ("model", "model"), ("instruction-set", "instruction set"), ("select", "frames"),
    ] {
      if let setting = settings.first(where: { $0.name == name }) {
        facts.append((words, setting.value))
      }
    }
    facts.append(("settings", run.settings ?? "not known: the directory's state does not tell"))
    return facts
  }

  /// The lines of the text that the digest is of, names and values, with the model's name and its labels in them where
  /// they are known.
  private func settings(of run: Run) -> [(name: String, value: String)] {
    guard let text = run.settings.flatMap({ run.output.settings($0) }) else { return [] }
    var lines = Self.lines(text)
    guard let place = lines.firstIndex(where: { $0.name == "model" }) else { return lines }
    let digest = lines[place].value
    let known = Dictionary(Self.lines(run.output.model(digest) ?? "").map { ($0.name, $0.value) }) {
      $1
    }
    lines[place].value = known["name"].map { "\($0) (SHA-256 \(digest))" } ?? "SHA-256 \(digest)"
    return lines.map { line in
      known[line.name].map { ("\(line.name), \($0)", line.value) } ?? line
    }
  }

  /// Lines of a name, a blank and a value; `class N` is one name.
  private static func lines(_ text: String) -> [(name: String, value: String)] {
    text.split(separator: "\n").map { line in
      let words = line.split(separator: " ", omittingEmptySubsequences: false)
      let names = words.first == "class" ? 2 : 1
      return (
        words.prefix(names).joined(separator: " "), words.dropFirst(names).joined(separator: " ")
      )
    }
  }

  private static func pairs(_ facts: [(name: String, value: String)]) -> JSONValue {
    .array(facts.map { .array([.string($0.name), .string($0.value)]) })
  }

  /// A time as text, to the minute, in UTC.
  static func date(_ seconds: Double) -> String {
    let text = Date(timeIntervalSince1970: seconds).formatted(.iso8601)
    // 2026-11-29T01:34:09Z
    return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5)) UTC"
  }
}

extension Stat {
  /// When the content was changed last, in seconds since 1970.
  fileprivate var modificationSeconds: Double {
    let time = rawValue.st_mtim
    return Double(time.tv_sec)
  }
}
