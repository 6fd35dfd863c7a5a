// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/gguf_file.h"

#include "tests/core/checkpoint/gguf_builder.h"

#include <QtTest>

#include <string>

using namespace paretoscope::core;
using namespace paretoscope::test;

namespace {

constexpr std::uint64_t kHuge = std::uint64_t(1) << 63;

std::span<const std::byte> asBytes(const std::string& text)
{
    return std::as_bytes(std::span(text));
}

GgufBuilder sound()
{
    GgufBuilder builder;
    builder.string("general.architecture", "llama").u32("llama.block_count", 2);
    builder.f32Tensor("a", {2, 3}, {1, 2, 3, 4, 5, 6}).f32Tensor("b", {2}, {7, 8});
    return builder;
}

} // namespace

class TstGgufFile : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void readsValuesOfEveryType()
    {
        using Type = GgufValueType;
        GgufBuilder builder;
        builder.entry("u8", Type::U8, bytesOf(std::uint8_t(200))).entry("i8", Type::I8, bytesOf(std::int8_t(-5)));
        builder.entry("u16", Type::U16, bytesOf(std::uint16_t(65535)));
        builder.entry("i16", Type::I16, bytesOf(std::int16_t(-300))).u32("u32", 4294967295U);
        builder.entry("i32", Type::I32, bytesOf(std::int32_t(-7))).f32("f32", 0.5F);
        builder.entry("bool", Type::Bool, "\x01").string("string", "text");
        builder.entry("u64", Type::U64, bytesOf(kHuge - 1)).entry("u64huge", Type::U64, bytesOf(kHuge));
        builder.entry("i64", Type::I64, bytesOf(std::int64_t(-9))).entry("f64", Type::F64, bytesOf(0.25));
        builder.strings("strings", {"a", "", "\xc4\xa0the"});
        builder.array("integers", Type::I32, 2, bytesOf(std::vector<std::int32_t> {1, -1}));
        builder.array("floats", Type::F32, 2, bytesOf(std::vector<float> {0.5F, -2.0F}));
        builder.array("bools", Type::Bool, 2, std::string("\x00\x01", 2)).strings("none", {});
        const std::string bytes = builder.bytes();
        const auto file = GgufFile::parse(asBytes(bytes), "values.gguf");
        QVERIFY2(file.ok(), file.ok() ? "" : file.error().sentence().c_str());
        const GgufMetadata& metadata = file.value().metadata();

        QCOMPARE(metadata.keys().size(), std::size_t(18));
        QCOMPARE(metadata.keys().front(), std::string("u8"));
        QCOMPARE(metadata.integer("u8").value(), std::int64_t(200));
        QCOMPARE(metadata.integer("i8").value(), std::int64_t(-5));
        QCOMPARE(metadata.integer("u16").value(), std::int64_t(65535));
        QCOMPARE(metadata.integer("i16").value(), std::int64_t(-300));
        QCOMPARE(metadata.integer("u32").value(), std::int64_t(4294967295));
        QCOMPARE(metadata.integer("i32").value(), std::int64_t(-7));
        QCOMPARE(metadata.number("f32").value(), 0.5);
        QCOMPARE(metadata.boolean("bool").value(), true);
        QCOMPARE(metadata.text("string").value(), std::string("text"));
        QCOMPARE(metadata.integer("u64").value(), std::numeric_limits<std::int64_t>::max());
        QCOMPARE(metadata.number("u64huge").value(), 9223372036854775808.0);
        QCOMPARE(metadata.integer("i64").value(), std::int64_t(-9));
        QCOMPARE(metadata.number("f64").value(), 0.25);
        QCOMPARE(metadata.texts("strings").value(), (std::vector<std::string> {"a", "", "\xc4\xa0the"}));
        QCOMPARE(metadata.integers("integers").value(), (std::vector<std::int64_t> {1, -1}));
        QCOMPARE(metadata.integers("bools").value(), (std::vector<std::int64_t> {0, 1}));
        QCOMPARE(metadata.numbers("floats").value(), (std::vector<double> {0.5, -2.0}));
        QVERIFY(metadata.texts("none").value().empty());
        QCOMPARE(metadata.integerOr("absent", 3).value(), std::int64_t(3));
        QCOMPARE(metadata.textOr("string", "other").value(), std::string("text"));
    }

    void accessNamesWhatIsWrong()
    {
        GgufBuilder builder;
        builder.string("name", "x").entry("huge", GgufValueType::U64, bytesOf(kHuge)).u32("count", 3);
        const std::string bytes = builder.bytes();
        const auto file = GgufFile::parse(asBytes(bytes), "m.gguf");
        QVERIFY(file.ok());
        const GgufMetadata& metadata = file.value().metadata();
        QCOMPARE(metadata.integer("absent").error().code, ErrorCode::NotFound);
        QVERIFY(metadata.integer("absent").error().message.find("m.gguf: metadata key \"absent\"") == 0);
        QCOMPARE(metadata.integer("name").error().code, ErrorCode::Corrupt);
        QCOMPARE(metadata.integer("huge").error().code, ErrorCode::Corrupt);
        QCOMPARE(metadata.text("count").error().code, ErrorCode::Corrupt);
        QCOMPARE(metadata.integerOr("name", 1).error().code, ErrorCode::Corrupt);
        QCOMPARE(metadata.texts("name").error().code, ErrorCode::Corrupt);
        QCOMPARE(metadata.boolean("count").error().code, ErrorCode::Corrupt);
    }

    void readsTensors_data()
    {
        QTest::addColumn<std::uint32_t>("version");
        QTest::addColumn<std::uint32_t>("alignment");
        QTest::addRow("version 3") << 3U << 32U;
        QTest::addRow("version 2") << 2U << 32U;
        QTest::addRow("alignment 64") << 3U << 64U;
        QTest::addRow("alignment 1") << 3U << 1U;
    }
    void readsTensors()
    {
        QFETCH(std::uint32_t, version);
        QFETCH(std::uint32_t, alignment);
        GgufBuilder builder = sound();
        builder.version = version;
        builder.alignment = alignment;
        builder.u32("general.alignment", alignment);
        const std::string bytes = builder.bytes();
        const auto file = GgufFile::parse(asBytes(bytes), "m.gguf");
        QVERIFY2(file.ok(), file.ok() ? "" : file.error().sentence().c_str());
        QCOMPARE(file.value().tensors().size(), std::size_t(2));
        const GgufTensor* tensor = file.value().find("b");
        QVERIFY(tensor);
        QCOMPARE(tensor->dims, std::vector<std::int64_t> {2});
        QCOMPARE(tensor->type.name, std::string_view("F32"));
        QCOMPARE(tensor->data.size(), std::size_t(8));
        QVERIFY(std::memcmp(tensor->data.data(), bytesOf(std::vector<float> {7, 8}).data(), 8) == 0);
        QVERIFY(!file.value().find("c"));
    }

    void acceptsWhatTheReferenceAccepts()
    {
        const std::string padded = sound().bytes();
        const std::string unpadded = padded.substr(0, padded.size() - 24); // the last tensor has 8 of 32 bytes
        QVERIFY(GgufFile::parse(asBytes(unpadded), "m.gguf").ok());
        const std::string vocabularyOnly = GgufBuilder().string("general.architecture", "llama").bytes();
        QVERIFY(GgufFile::parse(asBytes(vocabularyOnly), "m.gguf").ok());
    }

    void refuses_data()
    {
        using Type = GgufValueType;
        QTest::addColumn<std::string>("bytes");
        QTest::addColumn<std::string>("fragment");
        const auto row = [](const char* tag, const std::string& bytes, const char* fragment) {
            QTest::addRow("%s", tag) << bytes << std::string(fragment);
        };
        const std::string whole = sound().bytes();
        row("empty file", "", "does not start with \"GGUF\"");
        row("other magic", "GGML" + whole.substr(4), "does not start with \"GGUF\"");
        row("cut in the version", whole.substr(0, 6), "before the GGUF version");
        row("cut in the counts", whole.substr(0, 20), "inside the GGUF header");
        row("cut in the metadata", whole.substr(0, 80), "metadata entr");
        row("cut in the tensor table", whole.substr(0, 130), "tensor");
        row("cut in the tensor data", whole.substr(0, whole.size() - 30), "the file ends before");

        const auto lie = [&](const char* tag, const char* fragment, auto change) {
            GgufBuilder builder = sound();
            change(builder);
            row(tag, builder.bytes(), fragment);
        };
        lie("version 1", "version 1", [](auto& b) { b.version = 1; });
        lie("version 4", "version 4", [](auto& b) { b.version = 4; });
        lie("big-endian", "big-endian", [](auto& b) { b.version = 0x03000000; });
        lie("tensor count 2^63", "9223372036854775808 tensors", [](auto& b) { b.statedTensors = kHuge; });
        lie("tensor count too large by one", "tensor 3 of 3", [](auto& b) { b.statedTensors = 3; });
        lie("tensor count too small by one", "after the last of the 1 tensors", [](auto& b) { b.statedTensors = 1; });
        lie("entry count 2^63", "9223372036854775808 metadata", [](auto& b) { b.statedEntries = kHuge; });
        lie("entry count too large", "entr", [](auto& b) { b.statedEntries = 4; });
        lie("empty key", "is empty", [](auto& b) { b.u32("", 1); });
        lie("key of 65536 bytes", "65536 bytes", [](auto& b) { b.u32(std::string(65536, 'k'), 1); });
        lie("key with NUL", "not plain UTF-8", [](auto& b) { b.u32(std::string_view("a\0b", 3), 1); });
        lie("key with a lone surrogate", "not plain UTF-8", [](auto& b) { b.u32("a\xed\xa0\x80", 1); });
        lie("duplicate key", "occurs twice", [](auto& b) { b.u32("llama.block_count", 2); });
        lie("value type 13", "value type", [](auto& b) { b.entry("k", Type(13), "1234"); });
        lie("bool of 2", "neither 0 nor 1", [](auto& b) { b.entry("k", Type::Bool, "\x02"); });
        lie("bool array with 3", "neither 0 nor 1", [](auto& b) { b.array("k", Type::Bool, 2, "\x01\x03"); });
        lie("nested array", "array of arrays", [](auto& b) { b.array("k", Type::Array, 1, "0123456789012345"); });
        lie("array of 2^61 u64", "2305843009213693952 elements",
            [](auto& b) { b.array("k", Type::U64, std::uint64_t(1) << 61, ""); });
        lie("array of 2^63 strings", "9223372036854775808 elements",
            [](auto& b) { b.array("k", Type::String, kHuge, ""); });
        lie("string of 2^63 bytes", "beyond the end", [](auto& b) { b.entry("k", Type::String, bytesOf(kHuge)); });
        lie("string of 2^64-1 bytes in an array", "beyond the end",
            [](auto& b) { b.array("k", Type::String, 1, bytesOf(~std::uint64_t(0))); });
        lie("alignment 0", "no power of two", [](auto& b) { b.u32("general.alignment", 0); });
        lie("alignment 24", "no power of two", [](auto& b) { b.u32("general.alignment", 24); });
        lie("alignment 2^31", "file ends before", [](auto& b) { b.u32("general.alignment", 1U << 31); });
        lie("alignment is a string", "not a u32", [](auto& b) { b.string("general.alignment", "32"); });
        lie("tensor without a name", "its name has 0 bytes", [](auto& b) { b.f32Tensor("", {1}, {0}); });
        lie("tensor name of 64 bytes", "its name has 64 bytes",
            [](auto& b) { b.f32Tensor(std::string(64, 'n'), {1}, {0}); });
        lie("tensor name with a line break", "not plain UTF-8", [](auto& b) { b.f32Tensor("a\nb", {1}, {0}); });
        lie("duplicate tensor", "occurs twice", [](auto& b) { b.f32Tensor("a", {1}, {0}); });
        lie("5 dimensions", "5 dimensions", [](auto& b) { b.f32Tensor("c", {1, 1, 1, 1, 1}, {0}); });
        lie("dimension 0", "dimension 0", [](auto& b) { b.f32Tensor("c", {4, 0}, {}); });
        lie("dimension 2^63", "dimension 9223372036854775808", [](auto& b) { b.f32Tensor("c", {kHuge}, {}); });
        lie("product 2^64", "too many elements", [](auto& b) {
            b.f32Tensor("c", {std::uint64_t(1) << 32, std::uint64_t(1) << 32}, {});
        });
        lie("2^62 elements of 4 bytes", "too many elements",
            [](auto& b) { b.f32Tensor("c", {std::uint64_t(1) << 62}, {}); });
        lie("type 4", "unknown type 4", [](auto& b) { b.tensor("c", {32}, 4, std::string(18, '\0')); });
        lie("row of 33 in Q4_0", "do not fill blocks of 32", [](auto& b) {
            b.tensor("c", {33, 32}, 2, std::string(594, '\0'));
        });
        lie("offset gap", "has offset 96 where 64", [](auto& b) { b.f32Tensor("c", {1}, {0}).lieAboutOffset(96); });
        lie("offset overlap", "has offset 0 where 64", [](auto& b) { b.f32Tensor("c", {1}, {0}).lieAboutOffset(0); });
        lie("offset 2^64-32", "has offset",
            [](auto& b) { b.f32Tensor("c", {1}, {0}).lieAboutOffset(~std::uint64_t(31)); });
        row("32 bytes too many", whole + std::string(32, 'x'), "holds 32 bytes after the last");
    }
    void refuses()
    {
        QFETCH(std::string, bytes);
        QFETCH(std::string, fragment);
        const auto file = GgufFile::parse(asBytes(bytes), "bad.gguf");
        QVERIFY(!file.ok());
        const std::string sentence = file.error().sentence();
        QVERIFY2(file.error().message.find(fragment) != std::string::npos, sentence.c_str());
        QVERIFY2(sentence.find("bad.gguf") == 0 && !file.error().hint.empty(), sentence.c_str());
        QVERIFY2(file.error().code == ErrorCode::Corrupt || file.error().code == ErrorCode::Unsupported,
                 sentence.c_str());
    }

    void opensTheReferenceFile()
    {
        const auto file = GgufFile::open(PARETOSCOPE_TEST_DATA "/parity/formats/gguf_llama/model.gguf");
        QVERIFY2(file.ok(), file.ok() ? "" : file.error().sentence().c_str());
        QCOMPARE(file.value().tensors().size(), std::size_t(20));
        QCOMPARE(file.value().metadata().text("general.architecture").value(), std::string("llama"));
        QCOMPARE(file.value().metadata().texts("tokenizer.ggml.tokens").value().size(), std::size_t(288));
        QCOMPARE(GgufFile::open("/nonexistent.gguf").error().code, ErrorCode::NotFound);
    }
};

QTEST_GUILESS_MAIN(TstGgufFile)
#include "tst_gguf_file.moc"
