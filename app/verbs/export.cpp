// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/number.h"
#include "app/format/text.h"
#include "app/verbs/evaluation_session.h"
#include "app/verbs/progress_option.h"
#include "app/verbs/project_argument.h"
#include "app/verbs/worker_options.h"
#include "core/project/artifact/artifacts.h"
#include "jobs/export_planning.h"

#include <filesystem>
#include <system_error>

namespace paretoscope::app {

namespace {

namespace fs = std::filesystem;
using core::Json;

/// A folder that takes its name only when it is complete, and is gone otherwise.
class NewFolder
{
public:
    explicit NewFolder(fs::path path)
        : m_path(std::move(path))
        , m_temporary(m_path.string() + ".unfinished")
    {}
    ~NewFolder()
    {
        std::error_code ignored;
        fs::remove_all(m_temporary, ignored);
    }
    NewFolder(const NewFolder&) = delete;
    NewFolder& operator=(const NewFolder&) = delete;

    core::Status create() const
    {
        std::error_code problem;
        fs::remove_all(m_temporary, problem); // of an export that was killed
        fs::create_directories(m_temporary, problem);
        return problem ? failed("create", problem) : core::success();
    }
    core::Status commit() const
    {
        std::error_code problem;
        fs::rename(m_temporary, m_path, problem);
        return problem ? failed("name", problem) : core::success();
    }
    const fs::path& temporary() const { return m_temporary; }

private:
    core::Error failed(const char* verb, const std::error_code& problem) const
    {
        return {core::ErrorCode::Io, std::string("cannot ") + verb + " " + m_path.string() + ": " + problem.message(),
                "choose another folder"};
    }

    fs::path m_path;
    fs::path m_temporary;
};

class ExportVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        m_project.declare(options);
        options.text("TRIAL", "", m_trial, "The first digits of its id (at least 4), or its pipeline as listed.")
            .required = true;
        options
            .text("--format", "NAME", m_format,
                  "hf (plain weights), compressed-tensors, gptq, awq, gguf, or another plugin of the kind export.")
            .required = true;
        OptionSpec& out = options.text("--out", "DIR", m_out, "The new folder.");
        out.kind = ValueKind::Folder;
        out.required = true;
        options
            .custom("--set", "NAME=VALUE", "A parameter of the format, for example dtype=float32.",
                    [this](const std::string& text) { return setParameter(text); })
            .repeatable = true;
        m_worker.declare(options);
        m_progress.declare(options);
    }

    Outcome run(Session& session) override
    {
        std::error_code ignored;
        if (fs::exists(m_out, ignored))
            return Outcome::usage(m_out + " exists", "give the name of a new folder");
        const auto plugins = core::PluginCatalogue::scan(session.installation.pluginFolders());
        const auto format = core::findExporter(plugins, m_format);
        if (!format.ok())
            return {format.error(), ErrorSource::Arguments};
        if (const auto complete = core::resolveParameters(*format.value(), m_parameters); !complete.ok())
            return {complete.error(), ErrorSource::Arguments};
        const auto project = m_project.open();
        if (!project.ok())
            return {project.error(), ErrorSource::Project};
        const auto settings = m_worker.settings();
        if (!settings.ok())
            return {settings.error(), ErrorSource::Installation};
        const auto artifacts = project.value().artifacts();
        if (!artifacts.ok())
            return {artifacts.error(), ErrorSource::Project};
        jobs::KeptModels models(artifacts.value(), core::artifactFolderOf(m_project.path()), {});
        const Outcome outcome = write(project.value(), plugins, models, settings.value(), session);
        models.removeExtracted();
        return outcome;
    }

private:
    core::Status setParameter(const std::string& text)
    {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos || equals == 0)
            return core::Error {core::ErrorCode::InvalidArgument, "\"" + text + "\" is not NAME=VALUE",
                                "write for example --set dtype=float32"};
        const std::string value = text.substr(equals + 1);
        const auto scalar = Json::parse(value, nullptr, false);
        m_parameters[text.substr(0, equals)] = scalar.is_number() || scalar.is_boolean() ? scalar : Json(value);
        return core::success();
    }

    Outcome write(const core::ProjectStore& project, const core::PluginCatalogue& plugins, jobs::KeptModels& models,
                  const jobs::WorkerSettings& settings, Session& session) const
    {
        const auto found = project.findTrial(m_trial);
        if (!found.ok())
            return {found.error(), ErrorSource::Project};
        const auto trial = project.trial(found.value().id);
        if (!trial.ok())
            return {trial.error(), ErrorSource::Project};
        core::ExportRequest request;
        PSC_ASSIGN(request.trial, jobs::remakeTrial(project, trial.value(), plugins, models));
        const NewFolder folder(fs::absolute(m_out).lexically_normal());
        PSC_TRY(folder.create());
        request.format = m_format;
        request.parameters = m_parameters;
        request.folder = folder.temporary();
        EvaluationSession work(settings, m_progress.mode(), session);
        const core::Result<Json> document = work.run("export", core::toJson(request));
        if (work.killedBy())
            return Outcome::killedBy(*work.killedBy());
        if (!document.ok())
            return {document.error(), ErrorSource::Work};
        PSC_TRY(folder.commit());
        show(document.value(), trial.value(), session);
        return ExitStatus::Done;
    }

    void show(Json document, const core::TrialRecord& trial, Session& session) const
    {
        Console& console = session.console;
        for (const Json& warning : document.at("warnings"))
            console.note(printable(warning.get<std::string>()));
        if (session.common.json) {
            document["schema"] = "paretoscope.export/1";
            document["trial"] = trial.id.hex();
            document["format"] = m_format;
            document["folder"] = m_out;
            console.document(document);
            return;
        }
        const Json& test = document.at("self_test");
        console.line(printable(m_out) + ": " + binaryBytes(document.at("bytes").get<std::int64_t>()) +
                     " of weights; read again, logits differ by at most " +
                     significant(test.at("largest_logit_difference").get<double>()) +
                     ", the best next token is the "
                     "same after " +
                     grouped(test.at("same_best").get<std::int64_t>()) + " of " +
                     grouped(test.at("tokens").get<std::int64_t>()) + " tokens");
    }

    ProjectArgument m_project;
    std::string m_trial;
    std::string m_format;
    std::string m_out;
    Json m_parameters = Json::object();
    WorkerOptions m_worker;
    ProgressOption m_progress;
};

} // namespace

VerbEntry exportVerb()
{
    return {.name = "export",
            .summary = "write the compressed model of a trial for other software",
            .usage = "PROJECT TRIAL --format NAME --out DIR [options]",
            .description =
                "Makes the compressed model of a trial, from the kept one where the project has it, writes it in a "
                "format that other software loads, reads it again and compares the logits of both. A format that "
                "cannot hold the result is refused with layer and reason before anything is written.\n"
                "  paretoscope export demo.pscope 3fa9 --format hf --set dtype=bfloat16 --out model-3bit\n"
                "  paretoscope export demo.pscope 3fa9 --format compressed-tensors --out model-w4a16",
            .make = makeVerb<ExportVerb>};
}

} // namespace paretoscope::app
