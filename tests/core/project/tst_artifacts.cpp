// SPDX-License-Identifier: Apache-2.0
// Compressed models beside a project and in it: recorded, moved, collected, taken along.
#include "sample_records.h"
#include "verify_ok.h"

#include "core/base/mapped_file.h"
#include "core/base/sha256.h"
#include "core/project/artifact/artifacts.h"
#include "core/project/merge/merge.h"
#include "core/project/project_store.h"
#include "core/project/subset.h"
#include "core/project/verify.h"

#include <QTemporaryDir>
#include <QtTest>

#include <fstream>
#include <set>

using namespace paretoscope::core;

namespace {

using Path = std::filesystem::path;

/// Larger than one chunk in the project.
std::string contentOf(int number)
{
    return std::string(std::size_t(5) << 20, static_cast<char>('a' + number));
}

std::string hashOf(int number)
{
    return sha256(contentOf(number)).hex();
}

std::set<std::string> filesIn(const Path& folder)
{
    std::set<std::string> names;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
        names.insert(entry.path().filename().string());
    return names;
}

std::string statesOf(const Path& project)
{
    const auto store = ProjectStore::open(project, OpenMode::ReadOnly);
    const std::vector<StoredArtifact> artifacts = store.value().artifacts().value();
    std::string states;
    for (const StoredArtifact& stored : artifacts)
        states += std::string(states.empty() ? "" : " ") + std::string(artifactStateName(stored.state));
    return states;
}

} // namespace

class TstArtifacts : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        auto store = ProjectStore::open(project(), OpenMode::Create);
        VERIFY_OK(store);
        std::filesystem::create_directory(artifactFolderOf(project()));
        for (const int number : {0, 1, 2}) {
            std::ofstream(fileOf(number)) << contentOf(number);
            TrialRecord trial = sampleTrial(number);
            trial.artifacts = {{.role = "model",
                                .kind = "compressed_model",
                                .mediaType = "application/x-safetensors",
                                .sha256 = hashOf(number),
                                .bytes = static_cast<std::int64_t>(contentOf(number).size()),
                                .description = {{"tensors", number}}}};
            VERIFY_OK(store.value().finishTrial(trial));
        }
    }

    void aTrialIsRecordedWithWhatItMade()
    {
        const auto store = ProjectStore::open(project(), OpenMode::ReadOnly);
        const std::vector<StoredArtifact> artifacts = store.value().artifacts().value();
        QCOMPARE(artifacts.size(), std::size_t(3));
        QCOMPARE(artifacts[1].artifact.sha256, hashOf(1));
        QCOMPARE(artifacts[1].artifact.role, std::string("model"));
        QCOMPARE(artifacts[1].artifact.description, Json({{"tensors", 1}}));
        QCOMPARE(artifacts[1].trials, std::vector<TrialId> {sampleId(1)});
        QVERIFY(artifacts[1].state == ArtifactState::Kept);
        QVERIFY(verifyProject(project()).value().findings.empty());
    }

    void movesBetweenItsPlaces()
    {
        const std::vector<std::string> hashes {hashOf(0), hashOf(1)};
        const auto embedded = moveArtifacts(project(), hashes, ArtifactState::Embedded);
        VERIFY_OK(embedded);
        QCOMPARE(embedded.value().changed, 2);
        QCOMPARE(embedded.value().bytes.value, 2 * std::ssize(contentOf(0)));
        QCOMPARE(statesOf(project()), std::string("embedded embedded kept"));
        QCOMPARE(filesIn(artifactFolderOf(project())), std::set<std::string> {hashOf(2)});
        QVERIFY(verifyProject(project()).value().findings.empty());
        {
            const auto store = ProjectStore::open(project(), OpenMode::ReadOnly);
            VERIFY_OK(store.value().extractArtifact(hashOf(0), path("out")));
            QCOMPARE(sha256OfFile(path("out")).value().hex(), hashOf(0));
            QVERIFY(!store.value().extractArtifact(hashOf(2), path("other")).ok());
        }

        const std::vector<std::string> one {hashOf(0)};
        VERIFY_OK(moveArtifacts(project(), one, ArtifactState::Kept));
        QCOMPARE(statesOf(project()), std::string("kept embedded kept"));
        QCOMPARE(sha256OfFile(fileOf(0)).value().hex(), hashOf(0));

        const std::vector<std::string> all {hashOf(0), hashOf(1), hashOf(2)};
        VERIFY_OK(moveArtifacts(project(), all, ArtifactState::Dropped));
        QCOMPARE(statesOf(project()), std::string("dropped dropped dropped"));
        QVERIFY(filesIn(artifactFolderOf(project())).empty());
        const auto again = moveArtifacts(project(), all, ArtifactState::Kept); // only computing brings them back
        QCOMPARE(again.value().changed, 0);
        QCOMPARE(again.value().unchanged, 3);
        QVERIFY(verifyProject(project()).value().findings.empty());
    }

    void computedAgainIsKeptAgain()
    {
        const std::vector<std::string> one {hashOf(0)};
        VERIFY_OK(moveArtifacts(project(), one, ArtifactState::Dropped));
        std::ofstream(fileOf(0)) << contentOf(0);
        TrialRecord trial = sampleTrial(0);
        trial.artifacts = {{.role = "model",
                            .kind = "compressed_model",
                            .mediaType = {},
                            .sha256 = hashOf(0),
                            .bytes = static_cast<std::int64_t>(contentOf(0).size()),
                            .description = {}}};
        {
            auto store = ProjectStore::open(project(), OpenMode::ReadWrite);
            VERIFY_OK(store.value().finishTrial(trial));
        }
        QCOMPARE(statesOf(project()), std::string("kept kept kept"));
    }

    void damagedContentChangesNothing_data()
    {
        QTest::addColumn<bool>("missing");
        QTest::addRow("changed") << false;
        QTest::addRow("missing") << true;
    }
    void damagedContentChangesNothing()
    {
        QFETCH(bool, missing);
        if (missing)
            std::filesystem::remove(fileOf(1));
        else
            std::ofstream(fileOf(1)) << std::string(contentOf(1).size(), '?');
        const std::vector<std::string> hashes {hashOf(0), hashOf(1)};
        const auto moved = moveArtifacts(project(), hashes, ArtifactState::Embedded);
        QVERIFY(!moved.ok());
        QCOMPARE(moved.error().code, ErrorCode::Corrupt);
        QCOMPARE(statesOf(project()), std::string("kept kept kept"));
        QVERIFY(std::filesystem::exists(fileOf(0)));
    }

    void collectsWhatNothingRefersTo()
    {
        const Path folder = artifactFolderOf(project());
        std::filesystem::remove(fileOf(2));
        std::ofstream(folder / sha256("of nobody").hex()) << "of nobody";
        std::ofstream(folder / "unfinished-12") << "half";
        std::ofstream(folder / "notes.txt") << "a person's";
        const auto collected = collectArtifacts(project());
        VERIFY_OK(collected);
        QCOMPARE(collected.value().files, 2);
        QCOMPARE(collected.value().bytes.value, 13);
        QCOMPARE(collected.value().missing, 1);
        QCOMPARE(filesIn(folder), (std::set<std::string> {hashOf(0), hashOf(1), "notes.txt"}));
        QCOMPARE(statesOf(project()), std::string("kept kept dropped"));
        QCOMPARE(collectArtifacts(project()).value().files, 0);
    }

    void collectingWaitsForNoSweep()
    {
        const auto writer = ProjectStore::open(project(), OpenMode::ReadWrite);
        VERIFY_OK(writer);
        const auto collected = collectArtifacts(project());
        QVERIFY(!collected.ok());
        QCOMPARE(collected.error().code, ErrorCode::Busy);
    }

    void copiesAndMergesTakeThemAlong_data()
    {
        QTest::addColumn<QByteArray>("way");
        QTest::addColumn<int>("files");
        QTest::addRow("copy") << QByteArray("copy") << 2;
        QTest::addRow("subset") << QByteArray("subset") << 1;
        QTest::addRow("merge") << QByteArray("merge") << 2;
    }
    void copiesAndMergesTakeThemAlong()
    {
        QFETCH(QByteArray, way);
        QFETCH(int, files);
        std::filesystem::remove(fileOf(2)); // what is gone here is not kept there
        const Path target = path("target.pscope");
        {
            const auto store = ProjectStore::open(project(), OpenMode::ReadOnly);
            const std::vector<TrialId> chosen {sampleId(1), sampleId(2)};
            if (way == "copy")
                VERIFY_OK(copyProject(store.value(), target));
            else if (way == "subset")
                VERIFY_OK(exportSubset(store.value(), chosen, target));
        }
        if (way == "merge") {
            VERIFY_OK(mergeProjects({project()}, target, false));
            const Path source = project();
            const auto gathered = gatherArtifacts({&source, 1}, target);
            VERIFY_OK(gathered);
            QCOMPARE(gathered.value().files, 2);
            QCOMPARE(gathered.value().missing, 1);
            QCOMPARE(gatherArtifacts({&source, 1}, target).value().files, 0);
        }
        QCOMPARE(int(filesIn(artifactFolderOf(target)).size()), files);
        QCOMPARE(statesOf(target), std::string(files == 1 ? "kept dropped" : "kept kept dropped"));
        QVERIFY(verifyProject(target).value().findings.empty());
    }

private:
    Path path(const std::string& name) const { return Path(m_folder->path().toStdString()) / name; }
    Path project() const { return path("p.pscope"); }
    Path fileOf(int number) const { return artifactFolderOf(project()) / hashOf(number); }

    std::unique_ptr<QTemporaryDir> m_folder;
};

QTEST_GUILESS_MAIN(TstArtifacts)
#include "tst_artifacts.moc"
