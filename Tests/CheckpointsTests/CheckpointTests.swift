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
      "no tensors at the top, nor under 'model', 'state_dict', 'model_state_dict', 'blobs'; its keys are epoch, net"
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

  /// An index names files beside it that hold what it says, and nothing else.
  @Test func shardsAreWhatTheirIndexSays() throws {
    let folder = try TemporaryFolder()
    for (name, tensors) in [("1.safetensors", ["a", "b"]), ("2.safetensors", ["c"])] {
      try SafetensorsFile.write(
        tensors.map { tensor in
          .init(name: tensor, shape: [2]) { [1, Float(tensor.utf8.first ?? 0)] }
        },
        to: folder.path.appending(name))
    }
    func open(_ map: String) throws(CheckpointError) -> Checkpoint {
      let text = #"{"metadata": {"total_size": 24.0, "x": "y"}, "weight_map": {"# + map + "}}"
      guard let path = try? folder.write("model.safetensors.index.json", Array(text.utf8)) else {
        preconditionFailure("no file")
      }
      return try Checkpoint(contentsOf: path)
    }
    let first = #""a": "1.safetensors", "b": "1.safetensors", "#
    let whole = try open(first + #""c": "2.safetensors""#)
    #expect(whole.tensors.keys.sorted() == ["a", "b", "c"])
    #expect(try whole.tensors["c"]?.floats() == [1, 99])
    var pieces = 0
    try whole.forEachPiece { _ in pieces += 1 }
    #expect(pieces == 3)
    for (map, part) in [
      (#""a": "1.safetensors""#, "does not say that 'b' is in it"),
      (first + #""d": "2.safetensors""#, "does not say that 'c' is in it"),
      (first + #""c": "2.safetensors", "d": "2.safetensors""#, "no 'd' in 2.safetensors"),
      (first + #""c": "3.safetensors""#, "3.safetensors: cannot be read: No such file"),
      (#""a": "../1.safetensors""#, "'../1.safetensors' is no name of a file beside it"),
      (#""a": "..""#, "'..' is no name of a file beside it"),
      (#""a": "/etc/passwd""#, "'/etc/passwd' is no name of a file beside it"),
      (#""a": """#, "'' is no name of a file beside it"),
      (#""a": "1.safetensors", "a": "1.safetensors""#, "it has 'a' twice"),
      ("", "JSON that is no index of safetensors files"),
    ] {
      let error = #expect(throws: CheckpointError.self) { try open(map) }
      #expect(error?.description.contains(part) == true, "\(map): \(error as Any)")
    }
  }

  @Test func piecesAreTheFile() throws {
    let checkpoint = try Checkpoint(contentsOf: CheckpointFixture.path("module.pth"))
    var bytes: [UInt8] = []
    try checkpoint.forEachPiece { bytes += $0 }
    #expect(bytes == (try CheckpointFixture.bytes("module.pth")))
  }
}
