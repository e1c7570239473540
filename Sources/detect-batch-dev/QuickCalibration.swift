import NeuralNetwork
import RetinaNetModel

/// A quantization from what one input does, for timing: the greatest numbers seen are the ranges, all 3x3 convolutions of
/// stride 1 are F(4x4, 3x3), the others direct.
struct QuickCalibration {
  let quantization: Quantization

  init(_ source: ModelOptions.Source, height: Int, width: Int) throws {
    var found = Quantization()
    let graph = source.description.makeNetwork()
    let plan = try InferencePlan(
      graph, height: height, width: width, store: WeightStore(load: source.values))
    let input = Formula.uniform("input", count: 3 * height * width)
    let calls = graph.convolutionCalls
    // A range for what convolutions read and give, and what the stem's pooling does.
    let ranged = Set(graph.quantizableValueNames).intersection(
      calls.flatMap { [$0.input, $0.name] })
    var largest: [String: [Float]] = [:]
    let tiled = Set(calls.filter(\.hasWinograd).map(\.input))
    try InferenceWorker().run(plan) { name, image in
      var (low, high) = (Float.zero, Float.zero)
      for number in 0..<image.numbers.count {
        low = min(low, image.numbers[number])
        high = max(high, image.numbers[number])
      }
      if ranged.contains(name), high > low {
        found.values[name] = .init(low: low, high: high)
      }
      guard tiled.contains(name) else { return }
      var greatest = [Float](repeating: 1e-6, count: 36)
      image.forEachWinogradTile(side: 4) { _, points in
        for point in 0..<36 { greatest[point] = max(greatest[point], abs(points[point])) }
      }
      largest[name] = greatest
    } writeInput: {
      $0.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: input) }
    } readOutputs: { _ in
    }
    for call in calls {
      if call.hasWinograd, let largest = largest[call.input] {
        found.convolutions[call.name] = .winograd(largest: largest)
      } else if call.hasDirect, found.values[call.input] != nil {
        found.convolutions[call.name] = .direct
      }
    }
    quantization = found
  }
}
