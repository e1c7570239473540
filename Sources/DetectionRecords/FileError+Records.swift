import Files

extension FileError {
  /// Runs what is done at the place of one input's records: whatever cannot be made there, for a link leads to itself or
  /// a directory may not be written to, concerns that input.
  static func ofOneInput<Result>(
    _ work: () throws(FileError) -> Result
  ) throws(FileError) -> Result {
    do throws(FileError) {
      return try work()
    } catch .cannotCreate(let path, let reason) {
      throw .conflict(path, reason: reason)
    }
  }

  /// The error of an output directory that is gone in the middle of a run.
  static func removed(_ output: OutputDirectory) -> FileError {
    .cannotCreate(output.path, reason: "it was removed, or moved, while the run was writing to it")
  }
}
