// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/sweep_builder/sweep_draft.h"

#include <QObject>
#include <QUndoStack>

#include <functional>

namespace paretoscope::views {

/// The draft that the forms of the sweep builder share. Every change is an undoable step with a name; what is typed
/// into one field is one step.
class DraftEditor : public QObject
{
    Q_OBJECT

public:
    explicit DraftEditor(QObject* parent = nullptr);

    const SweepDraft& draft() const { return m_draft; }
    QUndoStack& undoStack() { return m_stack; }
    /// `field` names what is changed: consecutive changes of one field merge; empty never merges.
    void edit(const QString& text, const QString& field, const std::function<void(SweepDraft&)>& change);
    void reset(const SweepDraft& draft); ///< another sweep; forgets the steps

Q_SIGNALS:
    void draftChanged();

private:
    friend class DraftCommand;

    SweepDraft m_draft;
    QUndoStack m_stack;
};

} // namespace paretoscope::views
