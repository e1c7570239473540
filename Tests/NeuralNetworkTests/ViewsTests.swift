import Foundation
import NeuralNetwork
import Testing

/// Views of a network's memory do not leave the closures that get them: the compiler is asked.
@Suite struct ViewsTests {
  private static let compiler = (ProcessInfo.processInfo.environment["PATH"] ?? "")
    .split(separator: ":").map { URL(filePath: "\($0)/swiftc") }
    .first { FileManager.default.isExecutableFile(atPath: $0.path) }

  /// What it says about a function with a worker, a plan and a network, and whether it takes it.
  private func compile(_ body: String) throws -> (isTaken: Bool, said: String) {
    let compiler = try #require(Self.compiler)
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
    // Beside the tests' own program.
    let modules = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent().appending(path: "Modules")
    let process = Process()
    process.executableURL = compiler
    process.arguments = [
      "-swift-version", "6", "-emit-sil", "-o", "/dev/null", "-module-name", "Views",
      "-I", modules.path, "-I", root.appending(path: "Sources/COneDNN").path,
      "-I", root.appending(path: "Sources/CTransforms/include").path, "-",
    ]
    let (source, output) = (Pipe(), Pipe())
    process.standardInput = source
    process.standardError = output
    try process.run()
    try source.fileHandleForWriting.write(
      contentsOf: Data(
        """
        import NeuralNetwork
        func use(_ worker: InferenceWorker, _ plan: InferencePlan, _ network: TrainingNetwork) throws {
        \(body)
        }
        """.utf8))
    try source.fileHandleForWriting.close()
    let said = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus == 0, String(decoding: said, as: UTF8.self))
  }

  @Test(.enabled(if: compiler != nil, "needs swiftc in PATH"))
  func viewsDoNotEscape() throws {
    // Reading inside is what they are for.
    let reading = try compile(
      """
      let first = try worker.run(plan) { $0.update(repeating: 0) } readOutputs: { $0[0].plain()[0] }
      print(first)
      _ = try network.computeGradients(imageCount: 1, height: 64, width: 64) {
        $1.update(repeating: 0)
      } loss: { _, outputs, gradients in
        for index in 0..<outputs.count { gradients[index].fill(outputs[index].numbers[0]) }
      }
      """)
    #expect(reading.isTaken, "\(reading.said)")
    let escapes = [
      (
        "let image: BlockedImage = try worker.run(plan) { _ in } readOutputs: { $0[0] }",
        "requires that 'BlockedImage' conform to 'Escapable'"
      ),
      (
        "let images: [BlockedImage] = []", "'BlockedImage' does not conform to protocol 'Escapable'"
      ),
      (
        """
        try worker.run(plan) { _ in } readOutputs: { images in
          var kept = images
          try worker.run(plan) { _ in } readOutputs: { kept = $0 }
          print(kept.count)
        }
        """, "lifetime-dependent variable 'kept' escapes its scope"
      ),
      // One writer at a time.
      (
        """
        _ = try network.computeGradients(imageCount: 1, height: 64, width: 64) { _, _ in
        } loss: { _, _, gradients in
          var first = gradients[0]
          first.fill(0)
        }
        """, "is borrowed and cannot be consumed"
      ),
    ]
    for (body, message) in escapes {
      let escape = try compile(body)
      #expect(!escape.isTaken && escape.said.contains(message), "\(body)\n\(escape.said)")
    }
  }
}
