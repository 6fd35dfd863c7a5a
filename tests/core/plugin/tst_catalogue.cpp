// SPDX-License-Identifier: Apache-2.0
#include "core/base/mapped_file.h"
#include "core/plugin/manifest.h"

#include <QTemporaryDir>
#include <QtTest>

#include <filesystem>
#include <string>

using namespace paretoscope::core;

namespace fs = std::filesystem;

class TstCatalogue : public QObject
{
    Q_OBJECT

    static void put(const fs::path& root, const std::string& place, const std::string& id)
    {
        fs::create_directories(root / place);
        const Json manifest {{"id", id}, {"name", id}, {"version", "1"}, {"kind", "stage"}, {"summary", "S."}};
        if (!writeFileAtomically(root / place / "manifest.json", manifest.dump()).ok())
            qFatal("cannot write a manifest");
    }
    static fs::path pathOf(const QTemporaryDir& folder) { return folder.path().toStdString(); }

private Q_SLOTS:
    void findsTheShippedPlugins()
    {
        const auto catalogue = PluginCatalogue::scan({PARETOSCOPE_PLUGIN_SOURCES});
        QVERIFY2(catalogue.problems().empty(),
                 catalogue.problems().empty() ? "" : catalogue.problems()[0].sentence().c_str());
        const auto byAlias = catalogue.find("gptq");
        QVERIFY(byAlias.ok());
        const auto byId = catalogue.find("quantization/gptq");
        QVERIFY(byId.ok());
        QCOMPARE(byAlias.value(), byId.value());
    }

    void listsBySortedId()
    {
        const QTemporaryDir one;
        const QTemporaryDir two;
        put(pathOf(one), "z/last", "z/last");
        put(pathOf(one), "a/b", "a/b");
        put(pathOf(two), "m/middle", "m/middle");
        const auto catalogue = PluginCatalogue::scan({pathOf(one), pathOf(two)});
        QVERIFY(catalogue.problems().empty());
        QCOMPARE(catalogue.all().size(), std::size_t(3));
        QCOMPARE(catalogue.all()[0].id, std::string("a/b"));
        QCOMPARE(catalogue.all()[1].id, std::string("m/middle"));
        QCOMPARE(catalogue.all()[2].id, std::string("z/last"));
        QCOMPARE(catalogue.all()[2].folder, pathOf(one) / "z/last");
    }

    void brokenPluginsAreListedAndLeftOut()
    {
        const QTemporaryDir folder;
        const fs::path root = pathOf(folder);
        put(root, "a/good", "a/good");
        put(root, "a/moved", "a/elsewhere");
        put(root, "a/broken", "a/broken");
        QVERIFY(writeFileAtomically(root / "a/broken/manifest.json", "{").ok());
        fs::create_directories(root / "a/no_manifest");
        fs::create_directories(root / ".hidden/x");
        const QTemporaryDir second;
        put(pathOf(second), "a/good", "a/good");
        const auto catalogue = PluginCatalogue::scan({root, pathOf(second), root / "absent"});

        QCOMPARE(catalogue.all().size(), std::size_t(1));
        QCOMPARE(catalogue.all()[0].folder, root / "a/good"); // the first of two wins
        QCOMPARE(catalogue.problems().size(), std::size_t(4));
        QCOMPARE(catalogue.problems()[0].code, ErrorCode::Corrupt);
        QVERIFY(catalogue.problems()[1].message.find("\"a/elsewhere\" lies in the folder a/moved") !=
                std::string::npos);
        QVERIFY(catalogue.problems()[2].message.find("a/good is already there") != std::string::npos);
        QCOMPARE(catalogue.problems()[3].code, ErrorCode::NotFound);
    }

    void unknownNamesComeWithTheNearOne_data()
    {
        QTest::addColumn<std::string>("name");
        QTest::addColumn<std::string>("sentence");
        QTest::addRow("misspelt alias") << std::string("gtpq")
                                        << std::string("there is no plugin \"gtpq\" (did you mean \"gptq\"?)");
        QTest::addRow("misspelt id")
            << std::string("quantisation/gptq")
            << std::string("there is no plugin \"quantisation/gptq\" (did you mean \"quantization/gptq\"?)");
        QTest::addRow("nothing near") << std::string("import")
                                      << std::string("there is no plugin \"import\" (known are: gptq, rtn)");
        QTest::addRow("empty") << std::string() << std::string("there is no plugin \"\" (known are: gptq, rtn)");
    }
    void unknownNamesComeWithTheNearOne()
    {
        QFETCH(std::string, name);
        QFETCH(std::string, sentence);
        const QTemporaryDir folder;
        put(pathOf(folder), "quantization/gptq", "quantization/gptq");
        put(pathOf(folder), "quantization/rtn", "quantization/rtn");
        const auto found = PluginCatalogue::scan({pathOf(folder)}).find(name);
        QVERIFY(!found.ok());
        QCOMPARE(found.error().code, ErrorCode::NotFound);
        QCOMPARE(found.error().sentence(), sentence);
    }

    void ambiguousAliasIsRefused()
    {
        const QTemporaryDir folder;
        put(pathOf(folder), "quantization/two", "quantization/two");
        put(pathOf(folder), "pruning/two", "pruning/two");
        const auto catalogue = PluginCatalogue::scan({pathOf(folder)});
        const auto found = catalogue.find("two");
        QVERIFY(!found.ok());
        QCOMPARE(found.error().code, ErrorCode::InvalidArgument);
        QVERIFY(found.error().hint.find("pruning/two or quantization/two") != std::string::npos);
        QVERIFY(catalogue.find("pruning/two").ok());
    }

    void withoutPluginsTheHintSaysSo()
    {
        const auto found = PluginCatalogue().find("rtn");
        QVERIFY(!found.ok());
        QVERIFY(found.error().hint.find("no plugin was found") != std::string::npos);
    }
};

QTEST_GUILESS_MAIN(TstCatalogue)
#include "tst_catalogue.moc"
