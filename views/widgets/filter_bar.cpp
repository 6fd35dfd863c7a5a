// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/widgets/filter_bar.h"

#include "views/format/text.h"
#include "views/theme/icons.h"
#include "views/theme/theme.h"

#include <QAction>
#include <QCompleter>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QStringListModel>

#include <algorithm>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

/// Completes the word under the cursor instead of the whole line.
class WordCompleter : public QCompleter
{
public:
    using QCompleter::QCompleter;

    QStringList splitPath(const QString& path) const override { return {path.section(' '_L1, -1)}; }
    QString pathFromIndex(const QModelIndex& index) const override
    {
        const auto* edit = qobject_cast<const QLineEdit*>(widget());
        const QString before = edit ? edit->text().section(' '_L1, 0, -2) : QString();
        const QString word = QCompleter::pathFromIndex(index);
        return before.isEmpty() ? word : u"%1 %2"_s.arg(before, word);
    }
};

} // namespace

FilterBar::FilterBar(SelectionModel& selection, QWidget* parent)
    : QWidget(parent)
    , m_selection(selection)
    , m_edit(new QLineEdit(this))
    , m_count(new QLabel(this))
    , m_names(new QStringListModel(this))
{
    m_edit->setObjectName(u"filter"_s);
    m_edit->setAccessibleName(tr("Filter trials"));
    m_edit->setPlaceholderText(tr("Filter: gptq, or bits <= 3 and perplexity < 100"));
    m_edit->setToolTip(
        tr("Words that must occur, and comparisons of metrics and parameters. All views follow: what does "
           "not match becomes a ghost in the plot."));
    m_edit->setClearButtonEnabled(true);
    m_edit->addAction(themedIcon(u"filter"_s), QLineEdit::LeadingPosition)->setText(tr("Filter"));
    auto* completer = new WordCompleter(m_names, m_edit);
    completer->setCaseSensitivity(Qt::CaseInsensitive);
    m_edit->setCompleter(completer);
    m_count->setObjectName(u"filterCount"_s);
    m_count->setTextFormat(Qt::PlainText);
    m_count->setForegroundRole(QPalette::PlaceholderText);
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_edit, 1);
    layout->addWidget(m_count);
    connect(m_edit, &QLineEdit::textChanged, &m_selection, &SelectionModel::setFilter);
    connect(&m_selection, &SelectionModel::filterChanged, this, [this] {
        if (m_edit->text() != m_selection.filter().text())
            m_edit->setText(m_selection.filter().text());
        check();
    });
}

void FilterBar::setSnapshot(const SnapshotPtr& snapshot)
{
    m_snapshot = snapshot;
    QStringList names;
    for (const std::string& name : snapshot ? core::fieldNames(snapshot->trials) : std::vector<std::string>())
        names << toQString(name);
    if (names != m_names->stringList())
        m_names->setStringList(names);
    check();
}

void FilterBar::focusFilter()
{
    m_edit->setFocus(Qt::ShortcutFocusReason);
    m_edit->selectAll();
}

void FilterBar::check()
{
    QString problem;
    if (m_snapshot) {
        if (const auto error = m_selection.filter().problem(m_snapshot->trials))
            problem = toQString(error->sentence());
    }
    QPalette colours = palette();
    if (!problem.isEmpty())
        colours.setColor(QPalette::PlaceholderText, themeColours(palette()).error);
    m_count->setPalette(colours);
    if (!problem.isEmpty() || !m_snapshot) {
        m_count->setText(problem);
        return;
    }
    const auto& trials = m_snapshot->trials;
    const auto accepted = std::count_if(trials.begin(), trials.end(), [&](const core::TrialRecord& trial) {
        return m_selection.filter().accepts(trial);
    });
    m_count->setText(m_selection.filter().isEmpty()
                         ? tr("%n trial(s)", nullptr, int(trials.size()))
                         : tr("%1 of %n trial(s)", nullptr, int(trials.size())).arg(accepted));
}

} // namespace paretoscope::views
