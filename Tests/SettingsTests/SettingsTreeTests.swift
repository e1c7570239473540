import Settings
import Testing

private enum Colour: String, CaseIterable { case red, green }

/// Reads the one known file of these tests; `probe` sees its tree before `finish`.
private func message(
  _ text: String, json: Bool = false, _ probe: (SettingsTree) throws -> Void = { _ in }
) -> String {
  do {
    let tree =
      json ? try SettingsTree.parseJSON(text, file: "f") : try SettingsTree.parse(text, file: "f")
    try probe(tree)
    try tree.finish()
    return "no error"
  } catch {
    return "\(error)"
  }
}

@Suite struct SettingsTreeTests {
  @Test func readsEveryKind() throws {
    let tree = try SettingsTree.parse(
      """
      name: codes # a comment
      label: no
      count: 12
      threshold: 1e-5
      tenth: 0.1
      quiet: yes
      colour: green
      sizes: [[32, 40], [64]]
      labels: [a, null, ~, "null", 7]
      nested:
        inner: {"x": 1}
      """, file: "f")
    #expect(try tree.string("name") == "codes")
    #expect(try tree.string("label") == "no")
    #expect(try tree.int("count", in: 1...12) == 12)
    #expect(try tree.double("threshold") == 1e-5)
    #expect(try tree.float("tenth") == 0.1)
    #expect(try tree.bool("quiet") == true)
    #expect(try tree.choice("colour", of: Colour.self) == .green)
    let sizes = try tree.list("sizes")?.map { try $0.list().map { try $0.int() } }
    #expect(sizes == [[32, 40], [64]])
    let labels = try tree.list("labels")?.map { $0.isNull ? nil : try $0.string() }
    #expect(labels == ["a", nil, nil, "null", "7"])
    #expect(try tree.map("nested")?.map("inner")?.int("x") == 1)
    #expect(try tree.string("absent") == nil)
    #expect(tree.keys.first == "name" && tree.keys.count == 10)
    try tree.finish()
  }

  @Test func readsTheJSONThatOthersWrite() throws {
    // Without spaces, with tabs, escapes and a key of more than 1024 characters in a map that spans lines.
    let long = String(repeating: "k", count: 900)
    let text =
      "{\"a\":1,\"b\":[1,2],\t\"c\":{\"\(long)\":\"\\u00e9\\n\\\"\\/\"},\n\"d\":1e-05,\"e\":-2.5E+3}"
    let tree = try SettingsTree.parseJSON(text, file: "f")
    #expect(try tree.int("a") == 1)
    #expect(try tree.list("b")?.map { try $0.int() } == [1, 2])
    #expect(try tree.map("c")?.string(long) == "é\n\"/")
    #expect(try tree.double("d") == 1e-5)
    #expect(try tree.double("e") == -2500)
  }

  struct ErrorCase: CustomTestStringConvertible, Sendable {
    var id: String
    var text: String
    var json = false
    var probe: @Sendable (SettingsTree) throws -> Void = { _ in }
    var expected: String
    var testDescription: String { id }
  }

  @Test(arguments: [
    ErrorCase(
      id: "unknown key", text: "a: 1\nworkrs: 2\n",
      probe: {
        _ = try $0.int("a")
        _ = try $0.int("workers")
      },
      expected: "f:2: there is no key 'workrs'; a, workers can stand there"),
    ErrorCase(
      id: "unknown key below", text: "a:\n  b:\n    - c: 1\n      d: 2\n",
      probe: { _ = try $0.map("a")?.list("b")?[0].map().int("c") },
      expected: "f:4: there is no key 'a.b[0].d'; c can stand there"),
    ErrorCase(
      id: "whole number", text: "a:\n  b: 2.5",
      probe: { _ = try $0.map("a")?.int("b", in: 1...64) },
      expected: "f:2: 'a.b' has to be a whole number from 1 to 64, not '2.5'"),
    ErrorCase(
      id: "quoted number", text: "a: '2'", probe: { _ = try $0.int("a", in: 1...Int.max) },
      expected: "f:1: 'a' has to be a whole number of at least 1, not '2'"),
    ErrorCase(
      id: "too large for Int", text: "a: 99999999999999999999", probe: { _ = try $0.int("a") },
      expected: "f:1: 'a' has to be a whole number, not '99999999999999999999'"),
    ErrorCase(
      id: "out of range", text: "a: 1.5", probe: { _ = try $0.double("a", in: 0...1) },
      expected: "f:1: 'a' has to be a number from 0.0 to 1.0, not '1.5'"),
    ErrorCase(
      id: "not a number", text: "a: nan", probe: { _ = try $0.double("a") },
      expected: "f:1: 'a' has to be a number, not 'nan'"),
    ErrorCase(
      id: "overflow", text: "a: 1e400", probe: { _ = try $0.double("a") },
      expected: "f:1: 'a' has to be a number, not '1e400'"),
    ErrorCase(
      id: "overflow of Float", text: "a: 1e39", probe: { _ = try $0.float("a") },
      expected: "f:1: 'a' has to be a number, not '1e39'"),
    ErrorCase(
      id: "truth", text: "a: 1", probe: { _ = try $0.bool("a") },
      expected: "f:1: 'a' has to be true or false, not '1'"),
    ErrorCase(
      id: "choice", text: "a: blue", probe: { _ = try $0.choice("a", of: Colour.self) },
      expected: "f:1: 'a' has to be one of red, green, not 'blue'"),
    ErrorCase(
      id: "text", text: "a: null", probe: { _ = try $0.string("a") },
      expected: "f:1: 'a' has to be a text, not null"),
    ErrorCase(
      id: "control characters", text: #"a: "x\n\e[31m""#, probe: { _ = try $0.int("a") },
      expected: #"f:1: 'a' has to be a whole number, not 'x\n\u{1B}[31m'"#),
    ErrorCase(
      id: "list", text: "a: {b: 1}", probe: { _ = try $0.list("a") },
      expected: "f:1: 'a' has to be a list, not a map"),
    ErrorCase(
      id: "map", text: "a: [1, 2]", probe: { _ = try $0.map("a") },
      expected: "f:1: 'a' has to be a map of keys and values, not a list of 2"),
    ErrorCase(
      id: "element", text: "a:\n- 1\n- x",
      probe: { try $0.list("a")?.forEach { _ = try $0.int() } },
      expected: "f:3: 'a[1]' has to be a whole number, not 'x'"),
    ErrorCase(
      id: "missing", text: "a: {}",
      probe: {
        throw try $0.map("a")?.missing("b", expected: "a size") ?? $0.missing("", expected: "")
      },
      expected: "f:1: the key 'a.b' is missing: a size"),
    ErrorCase(
      id: "twice", text: "a: 1\nb: 2\na: 3", expected: "f:1: the key 'a' stands twice"),
    ErrorCase(
      id: "no map", text: "- 1",
      expected: "f:1: has to be a map of keys and values, not something else"),
    ErrorCase(
      id: "scanner", text: "a: 1\nb: \"x",
      expected: "f:2: while scanning a quoted scalar: found unexpected end of stream"),
    ErrorCase(
      id: "two documents", text: "a: 1\n---\nb: 1",
      expected: "f:2: expected a single document in the stream: but found another document"),
    ErrorCase(
      id: "alias in JSON", text: "{\"a\": &x [1],\n \"b\": *x}", json: true,
      expected: "f:1: '&' outside of a text is not JSON"),
    ErrorCase(
      id: "comment in JSON", text: "{\"*a\": \"\\\"#\",\n #\n}", json: true,
      expected: "f:2: '#' outside of a text is not JSON"),
    ErrorCase(
      id: "long JSON", text: "{\"a\": \"" + String(repeating: "x", count: 1 << 20) + "\"}",
      json: true, expected: "f: more than 1 MiB of text"),
    ErrorCase(
      id: "deep JSON", text: String(repeating: "[", count: 17), json: true,
      expected: "f:1: nested more than 16 deep"),
  ])
  func saysWhatWouldBeRight(_ testCase: ErrorCase) {
    #expect(message(testCase.text, json: testCase.json, testCase.probe) == testCase.expected)
  }

  @Test func emptyTextHasNoKeys() throws {
    #expect(try SettingsTree.parse("", file: "f").keys == [])
    #expect(try SettingsTree.parse("# nothing\n", file: "f").keys == [])
  }

  @Test func deepYAMLIsAnErrorAndNoCrash() {
    for opener in ["[", "{a: ", "- "] {
      let text = message(String(repeating: opener, count: 100_000))
      #expect(text.hasPrefix("f"), "\(text)")
    }
  }
}
