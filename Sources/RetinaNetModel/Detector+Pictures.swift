import Workers

extension Detector {
  /// Looks at numbered pictures on several threads.
  ///
  /// - Parameters:
  ///   - count: pictures.
  ///   - workers: threads; no more are started than there are pictures.
  ///   - look: gets a picture's number and what to look at it with; called once for each, from several threads.
  /// - Throws: what `look` throws, which ends the others, or why there can be no worker.
  public func forEachPicture(
    count: Int, workers: Int, _ look: @escaping @Sendable (Int, DetectorWorker) throws -> Void
  ) throws {
    let next = Monitor(0)
    let group = WorkerGroup { _ in next.withLock { $0 = count } }
    for index in 0..<min(workers, max(1, count)) {
      group.start("detect-\(index)") {
        let worker = try self.makeWorker()
        while true {
          let number = next.withLock { number in
            defer { number += 1 }
            return number
          }
          guard number < count else { return }
          try look(number, worker)
        }
      }
    }
    try group.join()
  }
}
