// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/sweep_builder/model_summary.h"

#include "core/checkpoint/checkpoint.h"
#include "views/format/format.h"
#include "views/format/text.h"
#include "views/theme/theme.h"

#include <QtConcurrent>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

ModelSummary::ModelSummary(QWidget* parent)
    : QLabel(parent)
{
    setObjectName(u"modelSummary"_s);
    setTextFormat(Qt::PlainText);
    setWordWrap(true);
    setForegroundRole(QPalette::PlaceholderText);
    connect(&m_watcher, &QFutureWatcher<Answer>::finished, this, &ModelSummary::present);
}

ModelSummary::~ModelSummary()
{
    m_watcher.cancel(); // the reader holds copies only and may end when it likes
}

void ModelSummary::describe(const QString& model)
{
    if (model == m_model)
        return;
    m_model = model;
    if (model.isEmpty()) {
        clear();
        return;
    }
    m_watcher.setFuture(QtConcurrent::run(&ModelSummary::read, model));
}

ModelSummary::Answer ModelSummary::read(const QString& model)
{
    const core::Result<std::filesystem::path> path = core::resolveModel(model.toStdString());
    if (!path.ok())
        return {toQString(path.error().message), true};
    const auto checkpoint = core::openCheckpoint(path.value());
    if (!checkpoint.ok())
        return {toQString(checkpoint.error().sentence()), true};
    std::int64_t parameters = 0;
    for (const core::TensorInfo& tensor : checkpoint.value()->tensors())
        parameters += tensor.elements();
    const core::Json& config = checkpoint.value()->config();
    const auto family = config.find("model_type");
    const QString name =
        family != config.end() && family->is_string() ? toQString(family->get<std::string>()) : tr("unknown family");
    return {tr("%1, %2 parameters, %3 (%4)")
                .arg(name, format::integer(parameters), format::bytes(double(checkpoint.value()->storedBytes().value)),
                     toQString(checkpoint.value()->format())),
            false};
}

void ModelSummary::present()
{
    if (m_watcher.isCanceled() || m_watcher.future().resultCount() == 0 || m_model.isEmpty())
        return;
    const Answer answer = m_watcher.result();
    QPalette colours;
    if (answer.isProblem)
        colours.setColor(QPalette::PlaceholderText, themeColours(palette()).error);
    setPalette(colours);
    setText(answer.text);
}

} // namespace paretoscope::views
