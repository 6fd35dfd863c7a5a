// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/widgets/filter_bar.h"

#include "views/format/text.h"
#include "views/theme/icons.h"
#include "views/theme/theme.h"

#include <QAbstractItemView>
#include <QAction>
#include <QCompleter>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QStringListModel>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

FilterBar::FilterBar(SelectionModel& selection, QWidget* parent)
    : QWidget(parent)
    , m_selection(selection)
    , m_edit(new QLineEdit(this))
    , m_count(new QLabel(this))
    , m_candidates(new QStringListModel(this))
    , m_completer(new QCompleter(m_candidates, this))
{
    m_edit->setObjectName(u"filter"_s);
    m_edit->setAccessibleName(tr("Filter trials"));
    m_edit->setPlaceholderText(tr("Filter: gptq, or bits <= 3 and perplexity < 100"));
    m_edit->setToolTip(
        tr("Words that must occur, and comparisons of metrics and parameters. All views follow: what does "
           "not match becomes a ghost in the plot."));
    m_edit->setClearButtonEnabled(true);
    m_edit->addAction(themedIcon(u"filter"_s), QLineEdit::LeadingPosition)->setText(tr("Filter"));
    m_completer->setWidget(m_edit); // not setCompleter: that completes whole lines
    m_completer->setCompletionMode(QCompleter::UnfilteredPopupCompletion);
    m_count->setObjectName(u"filterCount"_s);
    m_count->setTextFormat(Qt::PlainText);
    m_count->setForegroundRole(QPalette::PlaceholderText);
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_edit, 1);
    layout->addWidget(m_count);
    connect(m_edit, &QLineEdit::textEdited, this, &FilterBar::offerCompletions);
    connect(m_completer, qOverload<const QString&>(&QCompleter::activated), this, &FilterBar::insert);
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
    check();
}

void FilterBar::focusFilter()
{
    m_edit->setFocus(Qt::ShortcutFocusReason);
    m_edit->selectAll();
}

void FilterBar::offerCompletions()
{
    const QByteArray text = m_edit->text().toUtf8();
    const auto cursor = std::size_t(m_edit->text().left(m_edit->cursorPosition()).toUtf8().size());
    m_completion = {};
    if (m_snapshot)
        m_completion = core::completeQuery({text.constData(), std::size_t(text.size())}, cursor, m_snapshot->trials);
    QStringList candidates;
    for (const std::string& candidate : m_completion.candidates)
        candidates << toQString(candidate);
    const QByteArray word = text.mid(qsizetype(m_completion.begin), qsizetype(m_completion.end - m_completion.begin));
    if (word.isEmpty() || candidates.isEmpty() || candidates == QStringList(QString::fromUtf8(word))) {
        m_completer->popup()->hide();
        return;
    }
    m_candidates->setStringList(candidates);
    m_completer->complete();
}

void FilterBar::insert(const QString& candidate)
{
    const QByteArray text = m_edit->text().toUtf8();
    const QString before = QString::fromUtf8(text.left(qsizetype(m_completion.begin))) + candidate;
    m_edit->setText(before + QString::fromUtf8(text.mid(qsizetype(m_completion.end))));
    m_edit->setCursorPosition(int(before.size()));
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
    int accepted = 0;
    for (std::size_t row = 0; row < trials.size(); ++row)
        accepted += m_selection.filter().accepts(trials[row], m_snapshot->baseline(row)) ? 1 : 0;
    m_count->setText(m_selection.filter().isEmpty()
                         ? tr("%n trial(s)", nullptr, int(trials.size()))
                         : tr("%1 of %n trial(s)", nullptr, int(trials.size())).arg(accepted));
}

} // namespace paretoscope::views
