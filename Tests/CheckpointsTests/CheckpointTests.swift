import Checkpoints
import SystemPackage
import Testing

@Suite struct CheckpointTests {
  static let formats: [(suffix: String, format: Checkpoint.Format)] = [
    ("-legacy.pth", .pytorchLegacy), (".pth", .pytorchZip), (".pkl", .detectron2),
    (".safetensors", .safetensors),
  ]

  @Test func readsWhatPyTorchReads() throws {
    let expected = try CheckpointFixture.expected.get()
    #expect(expected.count == 23)
    for (name, tensors) in expected.sorted(by: { $0.key < $1.key }) {
      let checkpoint = try Checkpoint(contentsOf: CheckpointFixture.path(name))
      #expect(checkpoint.format == Self.formats.first { name.hasSuffix($0.suffix) }?.format)
      #expect(Set(checkpoint.tensors.keys) == Set(tensors.keys), "\(name)")
      for (key, tensor) in checkpoint.tensors {
        let right = try #require(tensors[key])
        #expect(tensor.elementType.rawValue == right.type, "\(name) \(key)")
        #expect(tensor.shape == right.shape, "\(name) \(key)")
        // NaN has many patterns, of which PyTorch keeps what the type's hardware conversion gives.
        let differs = zip(try tensor.floats(), right.bits).filter { value, bits in
          value.bitPattern != bits && !(value.isNaN && Float(bitPattern: bits).isNaN)
        }
        #expect(differs.isEmpty, "\(name) \(key)")
        #expect(tensor.elementCount == right.bits.count)
      }
    }
  }

  @Test func readsMetadata() throws {
    let checkpoint = try Checkpoint(contentsOf: CheckpointFixture.path("types.safetensors"))
    #expect(checkpoint.metadata == ["note": "with \"quotes\"\nand é"])
  }

  @Test(arguments: [
    ("refused-args.pth", "has an object of argparse.Namespace where tensors should be"),
    ("refused-command.pth", "has an object of posix.system where tensors should be"),
    ("refused-command.pkl", "has an object of posix.system where tensors should be"),
    (
      "refused-module-legacy.pth",
      "has an object of torch.nn.modules.container.Sequential where tensors should be"
    ),
    (
      "refused-elsewhere.pth",
      "no tensors at the top, nor under 'model', 'state_dict', 'model_state_dict'; its keys are epoch, net"
    ),
    ("refused-deflated.pth", "is compressed or encrypted"),
  ])
  func namesWhatItRefuses(_ name: String, _ part: String) throws {
    let path = try CheckpointFixture.path(name)
    let error = #expect(throws: CheckpointError.self) { try Checkpoint(contentsOf: path) }
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
    #expect(error?.description.hasPrefix("\(path): ") == true)
  }

  @Test func refusesWhatIsNoCheckpoint() throws {
    let folder = try TemporaryFolder()
    for (text, part) in [
      ("", "not a checkpoint (an empty file)"), ("hello, world, hello", "not a checkpoint"),
      ("{\"a\": 1}", "not a checkpoint"), ("PK\u{3}\u{4}nothing more", "cut short"),
    ] {
      let path = try folder.write("file", Array(text.utf8))
      let error = #expect(throws: CheckpointError.self) { try Checkpoint(contentsOf: path) }
      #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
    }
    #expect(
      throws: CheckpointError(
        file: folder.path.string, problem: .unknownFormat("a directory"))
    ) {
      try Checkpoint(contentsOf: folder.path)
    }
    let absent = folder.path.appending("absent")
    #expect(
      throws: CheckpointError(file: absent.string, problem: .unreadable(.noSuchFileOrDirectory))
    ) {
      try Checkpoint(contentsOf: absent)
    }
    #expect(throws: CheckpointError.self) { try Checkpoint(contentsOf: "/dev/null") }
  }

  @Test func piecesAreTheFile() throws {
    let checkpoint = try Checkpoint(contentsOf: CheckpointFixture.path("module.pth"))
    var bytes: [UInt8] = []
    try checkpoint.forEachPiece { bytes += $0 }
    #expect(bytes == (try CheckpointFixture.bytes("module.pth")))
  }
}
