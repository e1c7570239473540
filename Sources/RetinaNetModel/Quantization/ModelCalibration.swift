import NeuralNetwork
import Workers

/// Calibrates a model on pictures, as a detector would see them.
public struct ModelCalibration {
  /// Pictures on which ranges are tried, at most: a layer's mean error is known well from a few.
  public static let trialPictures = 32

  /// The largest error of a layer that is multiplied in the Winograd domain, as `Calibration.Layer.errorShare`.
  static let largestShare = 0.015 * 0.015

  /// How far it is.
  public enum Progress: Sendable {
    /// So many pictures have been looked at, of so many.
    case looked(Int, of: Int)
    /// So many trials of ranges and products are done, of so many.
    case tried(Int, of: Int)
    /// The network's numbers are not finite for this picture, which is left out.
    case notFinite(Int)
  }

  /// Hands a numbered picture over: height x width x 3 bytes, red first, upright, then width and height. Does not call
  /// its argument for a picture that is not to be had.
  public typealias Pictures =
    @Sendable (Int, (Span<UInt8>, Int, Int) throws -> Void) throws -> Void

  private let model: DetectionModel
  private let preprocessor: Preprocessor
  private let description: ModelDescription
  private let calibrator: Calibrator

  /// - Parameter model: in float32.
  /// - Throws: `ModelError` for a model that is calibrated already: its corrections would count twice.
  public init(of model: DetectionModel) throws(ModelError) {
    guard model.description.quantization == nil else {
      throw ModelError(file: model.path.string, problem: .calibrated)
    }
    self.model = model
    description = model.description
    preprocessor = Preprocessor(description.conventions.input)
    calibrator = Calibrator(description.makeNetwork(), values: model.values)
  }

  /// Looks at pictures, and at some of them a second time.
  ///
  /// - Parameters:
  ///   - count: how many there are, at least 1.
  ///   - workers: threads.
  ///   - picturesDigest: SHA-256 of what they are, 64 hexadecimal digits, for the model file.
  ///   - pictures: gives them, from several threads.
  ///   - progress: told from several threads.
  /// - Returns: the model in 8 bits; nil where there was no picture with finite numbers, the first time or the second.
  /// - Throws: what `pictures` throws, `ModelError`, `NeuralNetworkError`.
  public func run(
    count: Int, workers: Int, picturesDigest: String, pictures: @escaping Pictures,
    progress: @escaping @Sendable (Progress) -> Void
  ) throws -> CalibratedModel? {
    let usable = Monitor<[Int]>([])
    try forEach(count, workers, pictures) { [calibrator] number, worker, height, width, write in
      if try calibrator.look(worker, height: height, width: width, writeInput: write) {
        usable.withLock { $0.append(number) }
      } else {
        progress(.notFinite(number))
      }
    } done: {
      progress(.looked($0, of: count))
    }
    let numbers = usable.read { $0 }.sorted()
    guard !numbers.isEmpty else { return nil }

    let tried = min(numbers.count, Self.trialPictures)
    let some: Pictures = { index, use in
      try pictures(numbers[index * numbers.count / tried], use)
    }
    let ranges = calibrator.tryRanges()
    try forEach(tried, workers, some) {
      try ranges.run($0, $1, height: $2, width: $3, writeInput: $4)
    } done: {
      progress(.tried($0, of: 2 * tried))
    }
    // Pictures can be gone since they were looked at.
    guard ranges.hasTried else { return nil }
    let products = ranges.tryProducts()
    try forEach(tried, workers, some) {
      try products.run($0, $1, height: $2, width: $3, writeInput: $4)
    } done: {
      progress(.tried(tried + $0, of: 2 * tried))
    }
    guard products.hasTried else { return nil }
    return CalibratedModel(
      model, products.calibration(largestShare: Self.largestShare), pictures: numbers.count,
      picturesDigest: picturesDigest)
  }

  private typealias WriteInput = (inout MutableSpan<Float>) throws -> Void

  /// Hands every picture's input to `body`, on several threads; `done` is told how many are.
  private func forEach(
    _ count: Int, _ workers: Int, _ pictures: @escaping Pictures,
    body: @escaping @Sendable (Int, InferenceWorker, Int, Int, WriteInput) throws -> Void,
    done: @escaping @Sendable (Int) -> Void
  ) throws {
    let next = Monitor(0)
    let finished = Monitor(0)
    let group = WorkerGroup { _ in next.withLock { $0 = count } }
    for index in 0..<min(workers, count) {
      group.start("calibrate-\(index)") { [description, preprocessor] in
        let worker = try InferenceWorker()
        while true {
          let number = next.withLock { number in
            defer { number += 1 }
            return number
          }
          guard number < count else { return }
          try pictures(number) { pixels, width, height in
            let geometry = description.inputGeometry(height: height, width: width)
            try body(number, worker, geometry.paddedHeight, geometry.paddedWidth) { input in
              preprocessor.write(pixels, geometry, to: &input)
            }
          }
          let count = finished.withLock { finished in
            finished += 1
            return finished
          }
          done(count)
        }
      }
    }
    try group.join()
  }
}
