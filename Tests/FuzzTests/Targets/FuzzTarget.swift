/// What reads bytes that anybody may have written, each as a function of any bytes: it may refuse them, and never traps.
/// `scripts/fuzz` looks for bytes that break one; `CorpusTests` runs those that it kept.
enum FuzzTarget: String, CaseIterable {
  /// What a decoder process says.
  case reply
  /// What it is told.
  case request
  /// Places in the memory that both share.
  case arena
  case safetensors
  case pickle
  case zip
  case json
  case records
  case manifest
  /// The list of what was in hand when a run ended.
  case inHand = "in-hand"
  /// Lists of names (`--files-from`), and patterns.
  case names
  case voc
  case coco
  case yolo
  /// Settings of a pipeline (YAML).
  case settings
  /// Configurations of MMDetection.
  case python

  /// Reads the bytes; traps where one of its rules does not hold.
  func run(_ bytes: UnsafeRawBufferPointer) {
    switch self {
    case .reply: FuzzIsolation.reply(Array(bytes))
    case .request: FuzzIsolation.request(Array(bytes))
    case .arena: FuzzIsolation.arena(bytes)
    case .safetensors: FuzzCheckpoints.safetensors(bytes)
    case .pickle: FuzzCheckpoints.pickle(bytes)
    case .zip: FuzzCheckpoints.zip(bytes)
    case .json: FuzzRecords.json(bytes)
    case .records: FuzzRecords.records(bytes)
    case .manifest: FuzzRecords.manifest(bytes)
    case .inHand: FuzzRecords.inHand(bytes)
    case .names: FuzzLists.names(bytes)
    case .voc: FuzzLists.voc(bytes)
    case .coco: FuzzLists.coco(bytes)
    case .yolo: FuzzLists.yolo(bytes)
    case .settings: FuzzLists.settings(bytes)
    case .python: FuzzLists.python(bytes)
    }
  }
}
