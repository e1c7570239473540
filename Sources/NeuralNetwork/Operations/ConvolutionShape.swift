/// A two-dimensional convolution's numbers. Square kernels, equal padding on all sides, no dilation.
package struct ConvolutionShape: Hashable, Sendable {
  package var inputChannels: Int
  package var outputChannels: Int
  package var kernel: Int
  package var stride: Int
  package var padding: Int
  /// Each group of output channels reads only its own group of input channels (ResNeXt, Xie et al. 2017). Divides
  /// both.
  package var groups: Int

  /// Padding of (kernel - 1) / 2, which keeps the size at stride 1.
  package init(
    inputChannels: Int, outputChannels: Int, kernel: Int, stride: Int = 1, groups: Int = 1
  ) {
    precondition(
      groups > 0 && inputChannels % groups == 0 && outputChannels % groups == 0,
      "\(inputChannels) and \(outputChannels) channels in \(groups) groups")
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.kernel = kernel
    self.stride = stride
    padding = (kernel - 1) / 2
    self.groups = groups
  }

  /// The output's size for an input of this one.
  func outputSize(_ input: MapSize) -> MapSize {
    input.windows(kernel: kernel, stride: stride, padding: padding)
  }

  /// Of a parameter in PyTorch's order: (out, in / groups, kernel, kernel).
  var parameterShape: [Int] { [outputChannels, inputChannels / groups, kernel, kernel] }

  /// Of the weights as oneDNN sees them, with the groups as a dimension of their own where there are several.
  var weightsShape: [Int] {
    let perGroup = [outputChannels / groups, inputChannels / groups, kernel, kernel]
    return groups == 1 ? perGroup : [groups] + perGroup
  }

  /// Numbers in all weights.
  var weightCount: Int { parameterShape.reduce(1, *) }

  /// The same convolution with neighbouring groups taken together, the products between them being 0, until each
  /// fills whole blocks of channels: for narrower ones oneDNN has plain loops only. ResNeXt's four channels a group
  /// cost four times the products so, of the few that its grouped layers have.
  func merged(block: Int) -> ConvolutionShape {
    guard groups > 1 else { return self }
    let perGroup = (inputs: inputChannels / groups, outputs: outputChannels / groups)
    let count = (1...groups).first { count in
      groups % count == 0 && count * perGroup.inputs % block == 0
        && count * perGroup.outputs % block == 0
    }
    var merged = self
    merged.groups = groups / (count ?? groups)
    return merged
  }

  /// The convolution that computes the gradient by this one's input from that by its output, of one group and
  /// stride 1: the kernels turned by half a turn, inputs and outputs changed places.
  var turned: ConvolutionShape {
    var turned = self
    swap(&turned.inputChannels, &turned.outputChannels)
    return turned
  }
}

/// What computes a convolution.
public enum ConvolutionAlgorithm: Sendable {
  /// Sums products as they are: oneDNN's direct convolution. Every shape.
  case direct
  /// F(4x4, 3x3), a quarter of the products through transformed tiles (`WinogradConvolution`); 3x3 kernels of stride
  /// 1 in one group.
  case winograd
}

/// Says what computes a convolution over maps of these sizes in one call.
package typealias ConvolutionRule = @Sendable (ConvolutionShape, [MapSize]) -> ConvolutionAlgorithm

extension ConvolutionShape {
  /// Whether `WinogradConvolution` computes it.
  var hasWinograd: Bool { kernel == 3 && stride == 1 && padding == 1 && groups == 1 }

  /// Whether `ReducedWinogradConvolution` computes it: in vectors of 16 channels.
  var hasQuantizedWinograd: Bool { hasWinograd && inputChannels.isMultiple(of: 16) }

  /// Whether Winograd is faster over these maps, as `detect-batch-dev convolutions` measures it (Zen 4, AVX-512 and
  /// AVX2 alike). What it saves grows with tiles and channels: 32 to 32 channels pay from some 32 tiles on, 64 from 9,
  /// 128 from 2. And its weights are four times as many numbers to read, which a few tiles do not repay: 512 to 512
  /// channels over 2 tiles take 1.1 to 1.6 of direct convolution's time, over 4 tiles 0.6 to 0.8; many 0.36.
  package func isWorthWinograd(_ maps: [MapSize]) -> Bool {
    guard hasWinograd else { return false }
    let tiles = WinogradTiles(maps.map { ($0.height, $0.width) }).count
    return tiles >= 4 && tiles * inputChannels * outputChannels >= 1 << 15
  }

  /// The rule: `algorithm` where it pays, else direct.
  package static func rule(_ algorithm: ConvolutionAlgorithm) -> ConvolutionRule {
    { shape, maps in shape.isWorthWinograd(maps) ? algorithm : .direct }
  }
}

extension Int {
  /// The next multiple of `unit` from this on.
  func rounded(toMultipleOf unit: Int) -> Int { (self + unit - 1) / unit * unit }
}
