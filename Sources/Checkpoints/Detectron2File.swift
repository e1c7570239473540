/// What Detectron2 publishes: one pickle of {"model": {name: numpy array}, ...}.
enum Detectron2File {
  static func read(_ file: CheckpointFile) throws(CheckpointError) -> Checkpoint {
    let pickle = try Unpickler.run(file, FileRange(offset: 0, count: file.size))
    let dictionary = try StateDictionary(file, pickle)
    return try dictionary.checkpoint(.detectron2) { (storage, _) throws(CheckpointError) in
      throw file.error(.malformed("storage '\(storage.key)' is not in the file"))
    }
  }
}
