import JSONText
import NeuralNetwork
import Settings

/// How a calibrated model computes in 8 bits, and what it was calibrated on.
public struct ModelQuantization: Equatable, Sendable {
  /// What calibration found.
  public var arithmetic: Quantization
  /// How many pictures it saw, at least 1.
  public var pictures: Int
  /// SHA-256 of what they were, 64 hexadecimal digits.
  public var picturesDigest: String

  /// Creates the description from its parts.
  public init(arithmetic: Quantization, pictures: Int, picturesDigest: String) {
    self.arithmetic = arithmetic
    self.pictures = pictures
    self.picturesDigest = picturesDigest
  }
}

extension ModelDescription {
  /// The tensors of a model file: the network's, and corrections of biases where it was calibrated.
  public var parameters: [NetworkGraph.Parameter] {
    let network = makeNetwork()
    guard let corrected = quantization?.arithmetic.correctedBiases, !corrected.isEmpty else {
      return network.parameters
    }
    return network.parameters
      + network.convolutionCalls.filter { corrected.contains($0.name) }.map(\.biasCorrection)
  }
}

extension ModelQuantization {
  /// Reads what `json` writes.
  ///
  /// - Parameters:
  ///   - tree: the settings.
  ///   - network: which has the names.
  /// - Throws: `SettingsError`.
  init(_ tree: SettingsTree, of network: NetworkGraph) throws(SettingsError) {
    let values = try Self.values(tree, network)
    let calls = network.convolutionCalls
    let convolutions = try Self.convolutions(tree, calls, values)
    var corrected: Set<String> = []
    for name in try tree.list("correctedBiases") ?? [] {
      guard calls.contains(where: { $0.name == (try? name.string()) }),
        corrected.insert(try name.string()).inserted
      else { throw name.wrong("a convolution of the network, each once") }
    }
    guard let pictures = try tree.int("pictures", in: 1...Int.max) else {
      throw tree.missing("pictures", expected: "how many it was calibrated on")
    }
    let digest = tree.value("picturesDigest")
    guard let digest else {
      throw tree.missing("picturesDigest", expected: "64 hexadecimal digits")
    }
    let digits = try digest.string()
    guard digits.utf8.count == 64, digits.allSatisfy(\.isHexDigit) else {
      throw digest.wrong("64 hexadecimal digits")
    }
    self.init(
      arithmetic: Quantization(
        values: values, convolutions: convolutions, correctedBiases: corrected),
      pictures: pictures, picturesDigest: digits)
  }

  private static func values(
    _ tree: SettingsTree, _ network: NetworkGraph
  ) throws(SettingsError) -> [String: Quantization.StoredRange] {
    var values: [String: Quantization.StoredRange] = [:]
    guard let listed = try tree.map("values") else { return values }
    // Asking for each name makes the others unknown keys.
    for name in network.quantizableValueNames {
      guard let value = listed.value(name) else { continue }
      var numbers: [Float] = []
      for number in try value.list() { numbers.append(try number.float(in: -1e30...1e30)) }
      guard numbers.count == 2, Quantization.StoredRange.isValid(low: numbers[0], high: numbers[1])
      else { throw value.wrong("a list of the least number and the greatest, with 0 between them") }
      values[name] = Quantization.StoredRange(low: numbers[0], high: numbers[1])
    }
    return values
  }

  private static func convolutions(
    _ tree: SettingsTree, _ calls: [NetworkGraph.ConvolutionCall],
    _ values: [String: Quantization.StoredRange]
  ) throws(SettingsError) -> [String: Quantization.Product] {
    var products: [String: Quantization.Product] = [:]
    guard let listed = try tree.map("convolutions") else { return products }
    for call in calls {
      guard let value = listed.value(call.name) else { continue }
      if let word = try? value.string() {
        guard word == "direct", call.hasDirect else {
          throw value.wrong("\"direct\", of one group, or a list of 16 or 36 numbers")
        }
        guard values[call.input] != nil else {
          throw value.wrong("a list: what it reads, '\(call.input)', has no range")
        }
        products[call.name] = .direct
      } else {
        var largest: [Float] = []
        for number in try value.list() { largest.append(try number.float(in: 1e-30...1e30)) }
        guard call.hasWinograd, [16, 36].contains(largest.count) else {
          throw value.wrong(
            "\"direct\", or of a 3x3 convolution of stride 1 a list of 16 or 36 numbers")
        }
        products[call.name] = .winograd(largest: largest)
      }
    }
    return products
  }

  /// The description as JSON, its keys always in the same order.
  func json(indent: String) -> String {
    func map(_ entries: [(key: String, value: String)]) -> String {
      let lines = entries.sorted { $0.key < $1.key }.map {
        "\(indent)    \(JSON.quoted($0.key, isForYAML: true)): \($0.value)"
      }
      return lines.isEmpty ? "{}" : "{\n\(lines.joined(separator: ",\n"))\n\(indent)  }"
    }
    let values = map(arithmetic.values.map { ($0, "[\($1.low), \($1.high)]") })
    let convolutions = map(
      arithmetic.convolutions.map { name, product in
        switch product {
        case .direct: (name, "\"direct\"")
        case .winograd(let largest):
          (name, "[\(largest.map { "\($0)" }.joined(separator: ", "))]")
        }
      })
    let corrected = arithmetic.correctedBiases.sorted().map { JSON.quoted($0, isForYAML: true) }
    return """
      {
      \(indent)  "values": \(values),
      \(indent)  "convolutions": \(convolutions),
      \(indent)  "correctedBiases": [\(corrected.joined(separator: ", "))],
      \(indent)  "pictures": \(pictures),
      \(indent)  "picturesDigest": "\(picturesDigest)"
      \(indent)}
      """
  }
}
