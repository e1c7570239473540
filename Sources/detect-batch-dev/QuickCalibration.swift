import NeuralNetwork
import RetinaNetModel

/// A quantization from what one input does, for timing: of the products that a layer can have, the fastest, whatever it costs
/// in accuracy.
struct QuickCalibration {
  let quantization: Quantization

  init(_ source: ModelOptions.Source, height: Int, width: Int) throws {
    let input = Formula.uniform("input", count: 3 * height * width)
    let write: (inout MutableSpan<Float>) -> Void = {
      $0.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: input) }
    }
    let worker = try InferenceWorker()
    let calibrator = Calibrator(
      source.description.makeNetwork(), planCapacity: 1, values: source.values)
    guard try calibrator.look(worker, height: height, width: width, writeInput: write) else {
      throw NotFinite()
    }
    let ranges = calibrator.tryRanges()
    try ranges.run(0, worker, height: height, width: width, writeInput: write)
    let products = ranges.tryProducts()
    try products.run(0, worker, height: height, width: width, writeInput: write)
    let found = products.calibration(largestShare: .infinity)
    quantization = Quantization(
      values: found.ranges, convolutions: found.layers.mapValues(\.product))
  }

  private struct NotFinite: Error, CustomStringConvertible {
    let description = "the network's numbers are not finite"
  }
}
