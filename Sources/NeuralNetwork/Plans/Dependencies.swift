/// Who makes and who reads each value, and what backward steps need.
struct Dependencies {
  /// The call that gives each value; none for the input.
  private let producers: [NetworkGraph.Value: Int]
  /// The calls that read each value.
  private let readers: [NetworkGraph.Value: [Int]]
  private let calls: [OperationCall]
  /// Values that something trained lies below of: they get gradients.
  let needsGradient: Set<NetworkGraph.Value>
  /// Values that backward steps read.
  private let kept: Set<NetworkGraph.Value>

  init(_ calls: [OperationCall]) {
    var producers: [NetworkGraph.Value: Int] = [:]
    var readers: [NetworkGraph.Value: [Int]] = [:]
    var needsGradient: Set<NetworkGraph.Value> = []
    var kept: Set<NetworkGraph.Value> = []
    for (index, call) in calls.enumerated() {
      producers[call.output] = index
      for input in call.inputs { readers[input, default: []].append(index) }
      guard !call.trained.isEmpty || call.inputs.contains(where: needsGradient.contains) else {
        continue
      }
      needsGradient.insert(call.output)
      let keeps = call.operation.keeps(isTrained: !call.trained.isEmpty)
      if keeps.contains(.input) { kept.insert(call.inputs[0]) }
      if keeps.contains(.output) { kept.insert(call.output) }
    }
    self.producers = producers
    self.readers = readers
    self.calls = calls
    self.needsGradient = needsGradient
    self.kept = kept
  }

  /// Nobody reads the value after this call, backward steps included.
  func isLastRead(_ value: NetworkGraph.Value, by call: OperationCall) -> Bool {
    guard let index = producers[call.output] else { return false }
    return !kept.contains(value) && (readers[value] ?? []).allSatisfy { $0 <= index }
  }

  /// Whether the gradient by a value, complete or not, is still to be read when the calls from `call` on have run
  /// backward.
  func isPending(_ value: NetworkGraph.Value, before call: OperationCall) -> Bool {
    (producers[value] ?? -1) < producers[call.output] ?? -1
  }

  /// Whether the gradients of two values can lie in one place once `call` has run backward. Calls run backward: a
  /// value's gradient is read by its producer, and changed by the readers of the value that come before it.
  func mayShare(
    _ a: NetworkGraph.Value, _ b: NetworkGraph.Value, before call: OperationCall
  ) -> Bool {
    let index = producers[call.output] ?? -1
    func firstChange(_ value: NetworkGraph.Value) -> Int {
      var changes = (readers[value] ?? []).filter { $0 < index }
      if let producer = producers[value], calls[producer].operation.hasRelu {
        changes.append(producer)
      }
      return changes.max() ?? -1
    }
    return firstChange(a) < producers[b] ?? -1 && firstChange(b) < producers[a] ?? -1
  }
}
