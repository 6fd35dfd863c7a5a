// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/safetensors_file.h"

#include "tests/core/checkpoint/safetensors_text.h"

#include <QtTest>

#include <cmath>
#include <string>

using namespace paretoscope::core;
using namespace paretoscope::test;

namespace {

std::span<const std::byte> asBytes(const std::string& text)
{
    return std::as_bytes(std::span(text));
}

/// One F32 tensor "a" of two elements, with its attributes as given.
std::string oneTensor(const std::string& attributes, std::size_t dataBytes = 8)
{
    return safetensorsOf("{\"a\":{" + attributes + "}}", std::string(dataBytes, '\0'));
}

} // namespace

class TstSafetensorsFile : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void readsTensorsAndMetadata()
    {
        const std::string bytes =
            safetensorsOf(R"({"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},)"
                          R"("a":{"data_offsets":[4,5],"shape":[1],"dtype":"U8","note":{"x":[1.5,null]}},)"
                          R"("scalar":{"dtype":"U8","shape":[],"data_offsets":[5,6]},)"
                          R"("empty":{"dtype":"F32","shape":[3,0],"data_offsets":[5,5]}}   )",
                          std::string("\x80\x3f\x00\xc0\x07\x09", 6));
        const auto file = SafetensorsFile::parse(asBytes(bytes), "m.safetensors");
        QVERIFY2(file.ok(), file.ok() ? "" : file.error().sentence().c_str());
        QCOMPARE(file.value().metadata().at("format"), std::string("pt"));
        QCOMPARE(file.value().tensors().size(), std::size_t(4));
        QCOMPARE(file.value().tensors().front().name, std::string("a")); // sorted by name
        QCOMPARE(file.value().find("b")->shape, std::vector<std::int64_t> {2});
        QCOMPARE(file.value().find("scalar")->data.size(), std::size_t(1));
        QVERIFY(file.value().find("scalar")->shape.empty());
        QVERIFY(file.value().find("empty")->data.empty());
        QVERIFY(!file.value().find("c"));
        QCOMPARE(file.value().readFloat32("b").value(), (std::vector<float> {1.0F, -2.0F}));
        QVERIFY(file.value().readFloat32("empty").value().empty());
        QCOMPARE(file.value().readFloat32("a").error().code, ErrorCode::Unsupported);
        QCOMPARE(file.value().readFloat32("c").error().code, ErrorCode::NotFound);
        std::vector<float> small(1);
        QCOMPARE(file.value().readFloat32("b", small).error().code, ErrorCode::InvalidArgument);
    }

    void emptyFileIsSound()
    {
        const std::string bytes = safetensorsOf("{}", "");
        QVERIFY(SafetensorsFile::parse(asBytes(bytes), "m").ok());
    }

    void readsEveryFloatType_data()
    {
        QTest::addColumn<std::string>("dtype");
        QTest::addColumn<std::string>("data"); // 1.5 and -0.5
        QTest::addRow("F64") << std::string("F64") << std::string("\0\0\0\0\0\0\xf8\x3f\0\0\0\0\0\0\xe0\xbf", 16);
        QTest::addRow("F32") << std::string("F32") << std::string("\0\0\xc0\x3f\0\0\0\xbf", 8);
        QTest::addRow("F16") << std::string("F16") << std::string("\x00\x3e\x00\xb8", 4);
        QTest::addRow("BF16") << std::string("BF16") << std::string("\xc0\x3f\x00\xbf", 4);
        QTest::addRow("F8_E4M3") << std::string("F8_E4M3") << std::string("\x3c\xb0", 2);
        QTest::addRow("F8_E5M2") << std::string("F8_E5M2") << std::string("\x3e\xb8", 2);
        QTest::addRow("F8_E4M3FNUZ") << std::string("F8_E4M3FNUZ") << std::string("\x44\xb8", 2);
        QTest::addRow("F8_E5M2FNUZ") << std::string("F8_E5M2FNUZ") << std::string("\x42\xbc", 2);
        QTest::addRow("F4") << std::string("F4") << std::string("\x93", 1);
    }
    void readsEveryFloatType()
    {
        QFETCH(std::string, dtype);
        QFETCH(std::string, data);
        const std::string bytes =
            safetensorsOf("{\"a\":{\"dtype\":\"" + dtype + "\",\"shape\":[2],\"data_offsets\":[0," +
                              std::to_string(data.size()) + "]}}",
                          data);
        const auto file = SafetensorsFile::parse(asBytes(bytes), "m");
        QVERIFY2(file.ok(), file.ok() ? "" : file.error().sentence().c_str());
        QCOMPARE(file.value().readFloat32("a").value(), (std::vector<float> {1.5F, -0.5F}));
    }

    void refuses_data()
    {
        QTest::addColumn<std::string>("bytes");
        QTest::addColumn<std::string>("fragment");
        const auto row = [](const char* tag, const std::string& bytes, const char* fragment) {
            QTest::addRow("%s", tag) << bytes << std::string(fragment);
        };
        row("0 bytes", "", "has 0 bytes");
        row("7 bytes", "\x02\x03\x03\x03\x03\x03\x03", "has 7 bytes");
        row("header of 2^63 bytes", safetensorsOf("{}", "", std::uint64_t(1) << 63), "9223372036854775808");
        row("header of 100000001 bytes", safetensorsOf("{}", "", 100'000'001), "100000001");
        row("header longer than the file", safetensorsOf("{}", "", 3), "inside its header");
        row("header of 2^64-1 bytes", safetensorsOf("{}", "", ~std::uint64_t(0)), "18446744073709551615");
        row("header of no bytes", safetensorsOf("", ""), "does not start with");
        row("header of only spaces", safetensorsOf("        ", ""), "does not start with");
        row("header is an array", safetensorsOf("[]", ""), "does not start with");
        row("header with a byte order mark", safetensorsOf("\xef\xbb\xbf{}", ""), "does not start with");
        row("header cut off", safetensorsOf("{\"a\":", ""), "not valid UTF-8 JSON");
        row("text after the header", safetensorsOf("{} x", ""), "not valid UTF-8 JSON");
        row("NUL after the header", safetensorsOf(std::string_view("{}\0", 3), ""), "NUL byte");
        row("invalid UTF-8", safetensorsOf("{\"\xc3\x28\":1}", ""), "not valid UTF-8 JSON");
        row("nested too deep", oneTensor(R"("x":[[[1]]])"), "deeper than 4");
        row("deeply nested bomb", oneTensor("\"x\":" + std::string(100'000, '[')), "deeper than 4");
        row("tensor is a number", safetensorsOf("{\"a\":1}", ""), "where an object is needed");
        row("tensor is an array", safetensorsOf("{\"a\":[]}", ""), "where an object is needed");
        row("metadata is a string", safetensorsOf("{\"__metadata__\":\"x\"}", ""), "where an object is needed");
        row("metadata value is a number", safetensorsOf("{\"__metadata__\":{\"k\":1}}", ""), "other than a string");
        row("metadata value is an object", safetensorsOf("{\"__metadata__\":{\"k\":{}}}", ""), "other than a string");
        row("metadata value is an array", safetensorsOf("{\"__metadata__\":{\"k\":[]}}", ""), "other than a string");
        row("no dtype", oneTensor(R"("shape":[2],"data_offsets":[0,8])"), "lacks the dtype");
        row("no shape", oneTensor(R"("dtype":"F32","data_offsets":[0,8])"), "lacks the dtype");
        row("no offsets", oneTensor(R"("dtype":"F32","shape":[2])"), "lacks the dtype");
        row("one offset", oneTensor(R"("dtype":"F32","shape":[2],"data_offsets":[0])"), "two data_offsets");
        row("three offsets", oneTensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8,8])"), "two data_offsets");
        row("dtype is a number", oneTensor(R"("dtype":1,"shape":[2],"data_offsets":[0,8])"), "in the dtype");
        row("shape is a number", oneTensor(R"("dtype":"F32","shape":2,"data_offsets":[0,8])"), "in the dtype");
        row("shape holds an array", oneTensor(R"("dtype":"F32","shape":[[2]],"data_offsets":[0,8])"), "gives an array");
        row("shape holds a string", oneTensor(R"("dtype":"F32","shape":["2"],"data_offsets":[0,8])"), "gives a string");
        row("shape is an object", oneTensor(R"("dtype":"F32","shape":{},"data_offsets":[0,8])"), "gives an object");
        const std::string sound = R"("dtype":"F32","shape":[2],"data_offsets":[0,8])";
        row("duplicate tensor", safetensorsOf("{\"a\":{" + sound + "},\"a\":{" + sound + "}}", std::string(8, '\0')),
            "\"a\" twice");
        row("duplicate attribute", oneTensor(sound + ",\"shape\":[2]"), "\"shape\" twice");
        row("duplicate unknown key", oneTensor(sound + R"(,"x":{"y":1,"y":1})"), "\"y\" twice");
        row("duplicate metadata key", safetensorsOf(R"({"__metadata__":{"k":"1","k":"2"}})", ""), "\"k\" twice");
        row("fraction", oneTensor(R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])"), "\"2.0\" in the shape");
        row("exponent", oneTensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8e0])"),
            "\"8e0\" in the data_offsets");
        row("negative", oneTensor(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"), "\"-2\" in the shape");
        row("minus zero", oneTensor(R"("dtype":"F32","shape":[2],"data_offsets":[-0,8])"), "in the data_offsets");
        row("above 2^53", oneTensor(R"("dtype":"F32","shape":[9007199254740993],"data_offsets":[0,8])"),
            "9007199254740993");
        row("above 2^64", oneTensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,36893488147419103232])"),
            "36893488147419103232");
        row("offsets run backwards", oneTensor(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"), "run backwards");
        row("first offset is not 0", oneTensor(R"("dtype":"F32","shape":[2],"data_offsets":[1,9])", 9), "leave a hole");
        const auto two = [](const char* second, std::size_t bytes) {
            return safetensorsOf(std::string(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)") +
                                     R"("b":{"dtype":"F32","shape":[1],"data_offsets":)" + second + "}}",
                                 std::string(bytes, '\0'));
        };
        row("two tensors on one range", two("[0,4]", 8), "overlap");
        row("hole of one byte", two("[9,13]", 13), "leave a hole");
        row("overlap of one byte", two("[7,11]", 11), "overlap");
        row("shape 2^40 x 2^40",
            oneTensor(R"("dtype":"F32","shape":[1099511627776,1099511627776],"data_offsets":[0,8])"),
            "[1099511627776, 1099511627776]");
        row("shape too small", oneTensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,8])"), "needs 4");
        row("shape too large", oneTensor(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])"), "needs 12");
        row("half a byte", oneTensor(R"("dtype":"F4","shape":[3],"data_offsets":[0,1])", 1), "F4");
        row("truncated data", oneTensor(sound, 7), "8 bytes of tensors, but 7");
        row("trailing byte", oneTensor(sound, 9), "8 bytes of tensors, but 9");
        row("unknown dtype", oneTensor(R"("dtype":"F128","shape":[2],"data_offsets":[0,8])"), "unknown dtype \"F128\"");
        row("dtype not read here", oneTensor(R"("dtype":"F6_E2M3","shape":[4],"data_offsets":[0,3])", 3),
            "unsupported dtype");
        row("nine dimensions", oneTensor(R"("dtype":"F32","shape":[2,1,1,1,1,1,1,1,1],"data_offsets":[0,8])"),
            "more than 8 dimensions");
        row("name of 1025 bytes",
            safetensorsOf("{\"" + std::string(1025, 'n') + "\":{" + sound + "}}", std::string(8, '\0')), "1025 bytes");
        row("git-LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
            "git-LFS pointer");
        row("web page", "<!DOCTYPE html><html></html>", "web page");
        row("torch archive", std::string("PK\x03\x04") + std::string(26, 'x') + "archive/data.pkl", "pickle");
        row("pickle stream", std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20", 10), "pickle");
        row("other archive", std::string("PK\x03\x04") + std::string(26, 'x') + "a.txt", "ZIP archive");
        row("NumPy array", "\x93NUMPY\x01", "NumPy");
    }
    void refuses()
    {
        QFETCH(std::string, bytes);
        QFETCH(std::string, fragment);
        const auto file = SafetensorsFile::parse(asBytes(bytes), "bad.safetensors");
        QVERIFY(!file.ok());
        const std::string sentence = file.error().sentence();
        QVERIFY2(file.error().message.find(fragment) != std::string::npos, sentence.c_str());
        QVERIFY2(sentence.starts_with("bad.safetensors") && !file.error().hint.empty(), sentence.c_str());
    }

    // The checks are reported in the order of the format's table, wherever in the file the faults lie.
    void earlierChecksWin_data()
    {
        QTest::addColumn<std::string>("bytes");
        QTest::addColumn<std::string>("fragment");
        QTest::addRow("syntax before duplicates")
            << safetensorsOf(R"({"__metadata__":{"k":"1","k":"2"},)", "") << std::string("not valid UTF-8 JSON");
        QTest::addRow("duplicates before integers")
            << oneTensor(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8],"dtype":"F32")") << std::string("twice");
        QTest::addRow("integers before offsets")
            << oneTensor(R"("dtype":"F32","shape":[-2],"data_offsets":[8,0])") << std::string("\"-2\"");
        QTest::addRow("offsets before sizes")
            << oneTensor(R"("dtype":"F32","shape":[5],"data_offsets":[1,9])") << std::string("hole");
        QTest::addRow("sizes before completeness")
            << oneTensor(R"("dtype":"F32","shape":[5],"data_offsets":[0,8])", 4) << std::string("needs 20");
        QTest::addRow("completeness before types")
            << oneTensor(R"("dtype":"F128","shape":[5],"data_offsets":[0,8])", 4) << std::string("but 4 bytes");
    }
    void earlierChecksWin() { refuses(); }

    void aHeaderThatStartsLikeAPickleIsRead()
    {
        // 640 = 0x0280: the file begins with 0x80 0x02, as pickles of protocol 2 do.
        std::string json = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
        json.resize(640, ' ');
        const std::string bytes = safetensorsOf(json, "x");
        QVERIFY(SafetensorsFile::parse(asBytes(bytes), "m").ok());
    }
};

QTEST_GUILESS_MAIN(TstSafetensorsFile)
#include "tst_safetensors_file.moc"
