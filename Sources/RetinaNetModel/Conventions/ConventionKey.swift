import BoxGeometry
import Settings

/// A key of a description's `conventions`: how it is written, read and bounded. Those that descriptions had before
/// there were conventions (epsilon, stride in the 1x1, source of P6, mean and standard deviation) kept their places.
struct ConventionKey: Sendable {
  /// The map that it stands in.
  let group: String
  let name: String
  /// Its value as JSON.
  let text: @Sendable (Conventions) -> String
  /// Takes a value over, or refuses it.
  let read: @Sendable (SettingsValue, inout Conventions) throws(SettingsError) -> Void

  /// All keys in the order they are written in.
  static let all: [ConventionKey] = [
    flag("network", "reluBeforeP7", \.network.reluBeforeP7),
    choice("input", "resize", \.input.resize),
    choice("input", "resampling", \.input.resampling),
    choice("input", "channelOrder", \.input.channelOrder),
    choice("input", "scale", \.input.scale),
    ConventionKey(group: "input", name: "paddingMultiple") {
      "\($0.input.paddingMultiple)"
    } read: {
      (value, conventions) throws(SettingsError) in
      let multiple = try value.int(in: 32...1024)
      guard multiple % 32 == 0 else { throw value.wrong("a multiple of 32") }
      conventions.input.paddingMultiple = multiple
    },
    number("anchors", "centre", \.anchors.centre, in: 0...1),
    choice("anchors", "corners", \.anchors.corners),
    choice("anchors", "order", \.anchors.order),
    choice("anchors", "strides", \.anchors.strides),
    ConventionKey(group: "boxes", name: "weights") {
      let weights = $0.boxes.weights
      return "[\(weights.indices.map { "\(weights[$0])" }.joined(separator: ", "))]"
    } read: { (value, conventions) throws(SettingsError) in
      let list = try value.list()
      guard list.count == 4 else { throw value.wrong("four numbers: of dx, dy, dw, dh") }
      for (index, element) in list.enumerated() {
        conventions.boxes.weights[index] = try element.float(in: 0.001...1000)
      }
    },
    number("boxes", "logRatioLimit", \.boxes.logRatioLimit, in: 0.1...20),
    flag("boxes", "limitsBothWays", \.boxes.limitsBothWays),
    choice("detections", "clipping", \.detections.clipping),
    choice("detections", "suppressionFrame", \.detections.suppressionFrame),
    choice("detections", "classSeparation", \.detections.classSeparation),
    choice("detections", "emptyBoxes", \.detections.emptyBoxes),
    flag(
      "detections", "suppressesAcrossClassesAtEnd", \.detections.suppressesAcrossClassesAtEnd),
  ]

  private typealias Path<Value> = WritableKeyPath<Conventions, Value> & Sendable

  private init(
    group: String, name: String, text: @escaping @Sendable (Conventions) -> String,
    read: @escaping @Sendable (SettingsValue, inout Conventions) throws(SettingsError) -> Void
  ) {
    self.group = group
    self.name = name
    self.text = text
    self.read = read
  }

  private static func choice<Choice: RawRepresentable & CaseIterable & SendableMetatype>(
    _ group: String, _ name: String, _ path: Path<Choice>
  ) -> ConventionKey where Choice.RawValue == String {
    ConventionKey(group: group, name: name) {
      "\"\($0[keyPath: path].rawValue)\""
    } read: {
      (value, conventions) throws(SettingsError) in
      conventions[keyPath: path] = try value.choice(of: Choice.self)
    }
  }

  private static func flag(
    _ group: String, _ name: String, _ path: Path<Bool>
  ) -> ConventionKey {
    ConventionKey(group: group, name: name) {
      "\($0[keyPath: path])"
    } read: {
      (value, conventions) throws(SettingsError) in
      conventions[keyPath: path] = try value.bool()
    }
  }

  private static func number(
    _ group: String, _ name: String, _ path: Path<Float>, in range: ClosedRange<Float>
  ) -> ConventionKey {
    ConventionKey(group: group, name: name) {
      "\($0[keyPath: path])"
    } read: {
      (value, conventions) throws(SettingsError) in
      conventions[keyPath: path] = try value.float(in: range)
    }
  }
}

extension Conventions {
  static let presetKey = "preset"

  /// Takes over what a description's `conventions` say beside the preset.
  mutating func read(_ tree: SettingsTree) throws(SettingsError) {
    var groups: [String: SettingsTree] = [:]
    for key in ConventionKey.all {
      let group = if let opened = groups[key.group] { opened } else { try tree.map(key.group) }
      groups[key.group] = group
      guard let value = group?.value(key.name) else { continue }
      try key.read(value, &self)
    }
  }

  /// The preset from which the fewest keys differ, the first of equals.
  package var nearestPreset: Preset {
    Preset.allCases.min { keys(unlike: $0).count < keys(unlike: $1).count } ?? .torchvision
  }

  private func keys(unlike preset: Preset) -> [ConventionKey] {
    let other = preset.conventions
    return ConventionKey.all.filter { $0.text(self) != $0.text(other) }
  }

  /// The value of `conventions` in a description: the nearest preset and what differs from it. nil where all is
  /// torchvision's, as in the files of before there were conventions.
  func json(indent: String) -> String? {
    let preset = nearestPreset
    let keys = keys(unlike: preset)
    if preset == .torchvision, keys.isEmpty { return nil }
    var lines = ["\"\(Self.presetKey)\": \"\(preset.rawValue)\""]
    var groups: [String] = []
    for key in keys where !groups.contains(key.group) { groups.append(key.group) }
    for group in groups {
      let values = keys.filter { $0.group == group }.map { "\"\($0.name)\": \($0.text(self))" }
      lines.append("\"\(group)\": {\(values.joined(separator: ", "))}")
    }
    return "{\n\(lines.map { "\(indent)  \($0)" }.joined(separator: ",\n"))\n\(indent)}"
  }

  /// What differs from the defaults, a name and a value each: for digests.
  package var unusual: [(name: String, value: String)] {
    let usual = Conventions()
    return ConventionKey.all.filter { $0.text(self) != $0.text(usual) }.map {
      ("\($0.group) \($0.name)", $0.text(self))
    }
  }
}
