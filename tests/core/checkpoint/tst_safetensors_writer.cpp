// SPDX-License-Identifier: Apache-2.0
#include "core/base/mapped_file.h"
#include "core/base/sha256.h"
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/safetensors_file.h"
#include "core/checkpoint/safetensors_folder_writer.h"
#include "core/checkpoint/safetensors_writer.h"

#include <QTemporaryDir>
#include <QtTest>

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>

using namespace paretoscope::core;
namespace fs = std::filesystem;

namespace {

template <typename T>
std::vector<std::byte> stored(const std::vector<T>& values)
{
    const auto bytes = std::as_bytes(std::span(values));
    return {bytes.begin(), bytes.end()};
}

std::size_t filesIn(const fs::path& folder)
{
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

} // namespace

class TstSafetensorsWriter : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        QVERIFY(m_folder->isValid());
        m_path = fs::path(m_folder->path().toStdString()) / "out.safetensors";
    }

    void bytesEqualThoseOfTheReferenceWriter()
    {
        // SHA-256 of what safetensors 0.8.0 (Python, numpy.save with metadata {"format": "pt"}) writes for these
        // tensors.
        constexpr char kExpected[] = "86a7cb2c25a110742b081f45145e5e29fec6b1c9815566a175798db4d6bd468b";
        auto created = SafetensorsWriter::create(m_path, {{"b.weight", ElementType::F32, {2, 3}},
                                                          {"a.weight", ElementType::F16, {4}},
                                                          {"ids", ElementType::I64, {3}},
                                                          {"mask", ElementType::Bool, {3}},
                                                          {"u8", ElementType::U8, {5}},
                                                          {"scalar", ElementType::F64, {}},
                                                          {"empty", ElementType::F32, {0, 4}},
                                                          {"a.bias", ElementType::F32, {2}},
                                                          {"q", ElementType::I32, {2}},
                                                          {"h", ElementType::I16, {1}}});
        QVERIFY2(created.ok(), created.ok() ? "" : created.error().sentence().c_str());
        SafetensorsWriter& writer = created.value();
        QVERIFY(writer.append("mask", stored<std::uint8_t>({1, 0, 1})).ok());
        QVERIFY(writer.appendFloat32("b.weight", std::vector<float> {0, 1, 2, 3}).ok());
        QVERIFY(writer.appendFloat32("a.weight", std::vector<float> {0, 1, 2, 3}).ok());
        QVERIFY(writer.append("ids", stored<std::int64_t>({1, 2, 3})).ok());
        QVERIFY(writer.append("u8", stored<std::uint8_t>({0, 1, 2, 3, 4})).ok());
        QVERIFY(writer.append("scalar", stored<double>({2.5})).ok());
        QVERIFY(writer.appendFloat32("a.bias", std::vector<float> {1, 1}).ok());
        QVERIFY(writer.appendFloat32("b.weight", std::vector<float> {4, 5}).ok()); // goes on where it stopped
        QVERIFY(writer.append("q", stored<std::int32_t>({-1, 5})).ok());
        QVERIFY(writer.append("h", stored<std::int16_t>({7})).ok());
        QVERIFY(!fs::exists(m_path));
        QVERIFY(writer.finish().ok());
        QCOMPARE(sha256OfFile(m_path).value().hex(), std::string(kExpected));
        QCOMPARE(filesIn(m_path.parent_path()), std::size_t(1));
    }

    void roundsToNearestEven()
    {
        const float infinity = std::numeric_limits<float>::infinity();
        const std::vector<float> values {1.0F,     0x1.002p0F, 0x1.006p0F, 65519.0F,
                                         65520.0F, 0x1p-25F,   0x1.8p-25F, -infinity};
        auto writer =
            SafetensorsWriter::create(m_path, {{"half", ElementType::F16, {8}}, {"brain", ElementType::BF16, {8}}});
        QVERIFY(writer.ok());
        QVERIFY(writer.value().appendFloat32("half", values).ok());
        QVERIFY(writer.value().appendFloat32("brain", values).ok());
        QVERIFY(writer.value().finish().ok());
        const auto file = SafetensorsFile::open(m_path);
        QVERIFY(file.ok());
        QCOMPARE(file.value().readFloat32("half").value(),
                 (std::vector<float> {1.0F, 1.0F, 0x1.008p0F, 65504.0F, infinity, 0.0F, 0x1p-24F, -infinity}));
        QCOMPARE(file.value().readFloat32("brain").value(),
                 (std::vector<float> {1.0F, 1.0F, 1.0F, 65536.0F, 65536.0F, 0x1p-25F, 0x1.8p-25F, -infinity}));
    }

    void unfinishedLeavesNothing()
    {
        {
            auto writer = SafetensorsWriter::create(m_path, {{"a", ElementType::F32, {2}}});
            QVERIFY(writer.ok());
            QVERIFY(writer.value().appendFloat32("a", std::vector<float> {1}).ok());
            const Status finished = writer.value().finish();
            QVERIFY(!finished.ok());
            QVERIFY(finished.error().message.find("4 of its 8 bytes") != std::string::npos);
        }
        QCOMPARE(filesIn(m_path.parent_path()), std::size_t(0));
    }

    void twoWritersOfOneNameDoNotMix()
    {
        auto first = SafetensorsWriter::create(m_path, {{"a", ElementType::F32, {1}}});
        auto second = SafetensorsWriter::create(m_path, {{"a", ElementType::F32, {1}}});
        QVERIFY(first.ok() && second.ok());
        QVERIFY(first.value().appendFloat32("a", std::vector<float> {1}).ok());
        QVERIFY(second.value().appendFloat32("a", std::vector<float> {2}).ok());
        QVERIFY(first.value().finish().ok());
        QCOMPARE(second.value().finish().error().code, ErrorCode::InvalidArgument); // the name is taken now
        QCOMPARE(SafetensorsFile::open(m_path).value().readFloat32("a").value(), std::vector<float> {1});
    }

    void overwritesOnlyWhenAllowed()
    {
        QVERIFY(writeFileAtomically(m_path, "precious").ok());
        const std::vector<TensorDeclaration> tensors {{"a", ElementType::F32, {1}}};
        const auto refused = SafetensorsWriter::create(m_path, tensors);
        QVERIFY(!refused.ok());
        QCOMPARE(refused.error().code, ErrorCode::InvalidArgument);
        auto allowed = SafetensorsWriter::create(m_path, tensors, {.metadata = {{"k", "v"}}, .overwrite = true});
        QVERIFY(allowed.ok());
        QCOMPARE(readTextFile(m_path).value(), std::string("precious")); // until it is complete
        QVERIFY(allowed.value().appendFloat32("a", std::vector<float> {3}).ok());
        QVERIFY(allowed.value().finish().ok());
        const auto file = SafetensorsFile::open(m_path);
        QCOMPARE(file.value().metadata(), (std::map<std::string, std::string> {{"format", "pt"}, {"k", "v"}}));
    }

    void refuses_data()
    {
        QTest::addColumn<std::string>("name");
        QTest::addColumn<int>("type");
        QTest::addColumn<std::vector<std::int64_t>>("shape");
        QTest::addColumn<std::string>("fragment");
        const auto row = [](const char* tag, const char* name, ElementType type, std::vector<std::int64_t> shape,
                            const char* fragment) {
            QTest::addRow("%s", tag) << std::string(name) << static_cast<int>(type) << std::move(shape)
                                     << std::string(fragment);
        };
        row("reserved name", "__metadata__", ElementType::F32, {1}, "its name");
        row("empty name", "", ElementType::F32, {1}, "its name");
        row("broken UTF-8", "\xff", ElementType::F32, {1}, "its name");
        row("duplicate", "twin", ElementType::F32, {1}, "two tensors");
        row("block type", "a", ElementType::Q4_0, {32}, "no type q4_0");
        row("half a byte", "a", ElementType::F4E2M1, {3}, "whole bytes");
        row("overflow", "a", ElementType::F32, {std::int64_t(1) << 62}, "too large");
        row("nine dimensions", "a", ElementType::F32, {1, 1, 1, 1, 1, 1, 1, 1, 1}, "8 dimensions");
        row("more than the disk holds", "a", ElementType::U8, {std::int64_t(1) << 58}, "free");
    }
    void refuses()
    {
        QFETCH(std::string, name);
        QFETCH(int, type);
        QFETCH(std::vector<std::int64_t>, shape);
        QFETCH(std::string, fragment);
        const auto writer = SafetensorsWriter::create(
            m_path, {{"twin", ElementType::F32, {1}}, {name, static_cast<ElementType>(type), shape}});
        QVERIFY(!writer.ok());
        const std::string sentence = writer.error().sentence();
        QVERIFY2(sentence.find(fragment) != std::string::npos && !writer.error().hint.empty(), sentence.c_str());
        QCOMPARE(filesIn(m_path.parent_path()), std::size_t(0));
    }

    void appendNamesWhatIsWrong()
    {
        auto writer = SafetensorsWriter::create(m_path, {{"a", ElementType::F32, {1}}, {"i", ElementType::I32, {1}}});
        QVERIFY(writer.ok());
        QCOMPARE(writer.value().appendFloat32("b", std::vector<float> {1}).error().code, ErrorCode::NotFound);
        QCOMPARE(writer.value().appendFloat32("a", std::vector<float> {1, 2}).error().code, ErrorCode::InvalidArgument);
        QCOMPARE(writer.value().appendFloat32("i", std::vector<float> {1}).error().code, ErrorCode::Unsupported);
        const auto nowhere = SafetensorsWriter::create("/nonexistent/out.safetensors", {});
        QCOMPARE(nowhere.error().code, ErrorCode::Io);
    }

    void folderIsShardedAboveTheLimit()
    {
        const fs::path folder = m_path.parent_path();
        QVERIFY(writeFileAtomically(folder / "config.json", R"({"model_type":"llama"})").ok());
        const std::vector<TensorDeclaration> tensors {{"z", ElementType::F32, {2}}, // 8 bytes
                                                      {"big", ElementType::F32, {10}},
                                                      {"a", ElementType::F32, {2}},
                                                      {"b", ElementType::F32, {2}}};
        auto writer = SafetensorsFolderWriter::create(folder, tensors, {}, 16);
        QVERIFY2(writer.ok(), writer.ok() ? "" : writer.error().sentence().c_str());
        for (const TensorDeclaration& tensor : tensors) {
            const std::vector<float> values(static_cast<std::size_t>(tensor.shape[0]), float(tensor.name.size()));
            QVERIFY(writer.value().appendFloat32(tensor.name, values).ok());
        }
        QCOMPARE(writer.value().append("nobody", {}).error().code, ErrorCode::NotFound);
        QVERIFY(writer.value().finish().ok());
        QVERIFY(fs::exists(folder / "model-00003-of-00003.safetensors"));
        QVERIFY(!fs::exists(folder / "model.safetensors"));
        const auto checkpoint = openCheckpoint(folder);
        QVERIFY2(checkpoint.ok(), checkpoint.ok() ? "" : checkpoint.error().sentence().c_str());
        QVERIFY(checkpoint.value()->warnings().empty());
        QCOMPARE(checkpoint.value()->storedBytes().value, std::int64_t(64));
        std::vector<float> values(10);
        QVERIFY(checkpoint.value()->readFloat32("big", values).ok());
        QCOMPARE(values[9], 3.0F);
        QCOMPARE(checkpoint.value()->files().size(), std::size_t(5)); // config, index, three shards

        // Writing again without shards must not leave an index that would win over the new file.
        QVERIFY(!SafetensorsFolderWriter::create(folder, tensors).ok());
        auto again = SafetensorsFolderWriter::create(folder, {{"a", ElementType::F32, {1}}},
                                                     {.metadata = {}, .overwrite = true});
        QVERIFY(again.ok());
        QVERIFY(again.value().appendFloat32("a", std::vector<float> {5}).ok());
        QVERIFY(again.value().finish().ok());
        QCOMPARE(openCheckpoint(folder).value()->storedBytes().value, std::int64_t(4));
    }

private:
    std::unique_ptr<QTemporaryDir> m_folder;
    fs::path m_path;
};

QTEST_GUILESS_MAIN(TstSafetensorsWriter)
#include "tst_safetensors_writer.moc"
