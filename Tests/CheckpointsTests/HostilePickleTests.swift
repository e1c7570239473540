import Checkpoints
import Foundation
import SystemPackage
import Testing

/// Pickles that call a program, wherever it stands: nothing of it is run.
@Suite struct HostilePickleTests {
  private typealias Pickle = HostileFileTests.Pickle

  /// Where a call can stand, and what is said of the file; nil where it is read.
  enum Place: String, CaseIterable {
    case besideTheModel, asArguments, asState, inAList, asAKey, behindGetattr, asAnObject
    case inTheModel, asAKeyOfTheModel, asTheModel, asTheWhole, asHooks, asAStorage

    var refusedClass: String? {
      switch self {
      case .besideTheModel, .asArguments, .asState, .inAList, .asAKey, .behindGetattr, .asAnObject:
        nil
      default: "posix.system"
      }
    }
  }

  /// os.system("touch CANARY"), or another function with the same argument.
  private func call(
    _ pickle: inout Pickle, _ canary: FilePath, _ name: (String, String) = ("posix", "system")
  ) {
    pickle.global(name.0, name.1)
    pickle.text("touch \(canary)")
    // TUPLE1 and REDUCE.
    pickle.bytes += [0x85, 0x52]
  }

  private func pickle(_ place: Place, _ canary: FilePath) -> [UInt8] {
    var pickle = Pickle()
    if place == .asTheWhole {
      call(&pickle, canary)
      return pickle.bytes + Array(".".utf8)
    }
    // {"args": ..., "model": {"w": ...}}
    pickle.bytes += Array("}(".utf8)
    pickle.text("args")
    switch place {
    case .besideTheModel:
      call(&pickle, canary)
    case .asArguments:
      pickle.global("builtins", "list")
      call(&pickle, canary)
      pickle.bytes += [0x85, 0x52]
    case .asState:
      pickle.global("argparse", "Namespace")
      pickle.bytes += Array(")\u{81}".unicodeScalars.map { UInt8($0.value) })
      call(&pickle, canary)
      // An object's state has to be a dictionary for Python: {"x": ...}
      pickle.bytes += Array("0}".utf8)
      pickle.text("x")
      call(&pickle, canary)
      pickle.bytes += Array("sb".utf8)
    case .inAList:
      pickle.bytes += Array("](".utf8)
      call(&pickle, canary)
      call(&pickle, canary)
      pickle.bytes += Array("e".utf8)
    case .asAKey:
      pickle.bytes += Array("}".utf8)
      call(&pickle, canary)
      pickle.bytes += Array("Ns".utf8)
    case .behindGetattr:
      pickle.global("builtins", "getattr")
      pickle.global("builtins", "__import__")
      pickle.text("os")
      pickle.bytes += [0x85, 0x52]
      pickle.text("system")
      pickle.bytes += [0x86, 0x52]
      pickle.text("touch \(canary)")
      pickle.bytes += [0x85, 0x52]
    case .asAnObject:
      pickle.global("argparse", "Namespace")
      call(&pickle, canary)
      pickle.bytes += [0x85, 0x81]
    default:
      pickle.bytes += Array("N".utf8)
    }
    pickle.text("model")
    if place == .asTheModel {
      call(&pickle, canary)
    } else {
      pickle.bytes += Array("}(".utf8)
      pickle.text("w")
      if place == .asAStorage {
        pickle.global("torch._utils", "_rebuild_tensor_v2")
        pickle.bytes += Array("(".utf8)
        call(&pickle, canary)
        pickle.bytes += [0x4b, 0] + Array("))\u{89}NtR".unicodeScalars.map { UInt8($0.value) })
      } else {
        pickle.tensor(key: "0", count: 100, shape: [2], strides: [1])
      }
      if place == .asHooks {
        pickle.text("p")
        pickle.global("torch._utils", "_rebuild_parameter")
        pickle.bytes += Array("(".utf8)
        pickle.tensor(key: "0", count: 100, shape: [2], strides: [1])
        pickle.bytes += [0x88]
        call(&pickle, canary)
        pickle.bytes += Array("tR".utf8)
      }
      if place == .inTheModel {
        pickle.text("x")
        call(&pickle, canary)
      }
      if place == .asAKeyOfTheModel {
        call(&pickle, canary)
        pickle.bytes += Array("N".utf8)
      }
      pickle.bytes += Array("u".utf8)
    }
    return pickle.bytes + Array("u.".utf8)
  }

  @Test(arguments: Place.allCases) func nothingIsRun(_ place: Place) throws {
    let folder = try TemporaryFolder()
    let canary = folder.path.appending("canary")
    let bytes = pickle(place, canary)
    let path = try folder.write(
      "file.pth",
      HostileFileTests.archive([
        ("a/data.pkl", bytes), ("a/data/0", Array(repeating: 0, count: 400)),
      ]))
    let outcome = Result { () throws(CheckpointError) in try Checkpoint(contentsOf: path) }
    switch outcome {
    case .success(let checkpoint):
      #expect(place.refusedClass == nil, "\(place): read")
      #expect(checkpoint.tensors.keys.sorted() == ["w"])
      #expect(try checkpoint.tensors["w"]?.floats() == [0, 0])
    case .failure(let error):
      #expect(place.refusedClass.map { error.problem == .refusedClass($0) } == true, "\(error)")
    }
    #expect(!FileManager.default.fileExists(atPath: canary.string), "\(place): the canary is there")
    try expectPythonRuns(bytes, canary, in: folder)
  }

  /// What `scripts/make-hostile-fixtures.py` wrote, of which it saw Python run each.
  private struct Fixture: Decodable {
    var name: String
    var `protocol`: Int
    var place: String
    var isZip: Bool
    var bytes: Data
  }

  /// Every instruction that makes something, in every protocol: among the tensors it is refused, beside them it is
  /// passed over, and nowhere is it run.
  @Test func noInstructionRunsAnything() throws {
    let fixtures = try JSONDecoder().decode(
      [Fixture].self, from: Data(contentsOf: CheckpointFixture.url("hostile.json")))
    #expect(Set(fixtures.map(\.protocol)) == [0, 1, 2, 3, 4, 5])
    let folder = try TemporaryFolder()
    let canary = folder.path.appending("canary")
    // The fixtures' command makes the file that this variable names.
    setenv("CANARY", canary.string, 1)
    for fixture in fixtures {
      let what =
        "\(fixture.name), protocol \(fixture.protocol), \(fixture.isZip ? "zip" : "pickle")"
      let path = try folder.write("file", Array(fixture.bytes))
      let outcome = Result { () throws(CheckpointError) in try Checkpoint(contentsOf: path) }
      switch (fixture.place, outcome) {
      // A list among the tensors is left out, whatever it holds.
      case ("outside", .success(let checkpoint)),
        ("inside", .success(let checkpoint)) where fixture.name == "append inside":
        #expect(checkpoint.tensors.keys.sorted() == ["w"], "\(what)")
        #expect(try checkpoint.tensors["w"]?.floats() == [0x1.828282p3, 0x1.848484p5], "\(what)")
      case ("inside", .failure(let error)), ("whole", .failure(let error)):
        switch error.problem {
        case .refusedClass, .malformed, .noTensors, .unsupported, .unknownFormat: break
        default: Issue.record("\(what): \(error)")
        }
      case (_, let outcome):
        Issue.record("\(what): \(outcome)")
      }
      #expect(!FileManager.default.fileExists(atPath: canary.string), "\(what): it was run")
    }
  }

  /// That the canary means anything: Python's own reader runs the call.
  private func expectPythonRuns(
    _ bytes: [UInt8], _ canary: FilePath, in folder: TemporaryFolder
  ) throws {
    let python = "/usr/bin/python3"
    guard FileManager.default.isExecutableFile(atPath: python) else {
      print("skipped: no \(python) to show that the pickle would run something")
      return
    }
    let file = try folder.write("file.pkl", bytes)
    let process = Process()
    process.executableURL = URL(filePath: python)
    process.arguments = [
      "-c",
      """
      import pickle, sys
      class Reader(pickle.Unpickler):
        def persistent_load(self, identifier): return None
        def find_class(self, module, name):
          if module.startswith("torch"): return lambda *arguments: None
          return super().find_class(module, name)
      try: Reader(open(sys.argv[1], "rb")).load()
      except Exception as error: print(error)
      """, file.string,
    ]
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(FileManager.default.fileExists(atPath: canary.string), "Python runs nothing either")
  }
}
