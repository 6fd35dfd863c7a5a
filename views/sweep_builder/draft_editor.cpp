// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/sweep_builder/draft_editor.h"

#include <QUndoCommand>

namespace paretoscope::views {

class DraftCommand : public QUndoCommand
{
public:
    DraftCommand(DraftEditor& editor, const QString& text, QString field, SweepDraft after)
        : QUndoCommand(text)
        , m_editor(editor)
        , m_field(std::move(field))
        , m_before(editor.m_draft)
        , m_after(std::move(after))
    {}

    void undo() override { apply(m_before); }
    void redo() override { apply(m_after); }
    int id() const override { return m_field.isEmpty() ? -1 : 1; }
    bool mergeWith(const QUndoCommand* other) override
    {
        const auto* next = static_cast<const DraftCommand*>(other);
        if (next->m_field != m_field)
            return false;
        m_after = next->m_after;
        return true;
    }

private:
    void apply(const SweepDraft& draft)
    {
        m_editor.m_draft = draft;
        Q_EMIT m_editor.draftChanged();
    }

    DraftEditor& m_editor;
    QString m_field;
    SweepDraft m_before;
    SweepDraft m_after;
};

DraftEditor::DraftEditor(QObject* parent)
    : QObject(parent)
{
    m_stack.setUndoLimit(500);
}

void DraftEditor::edit(const QString& text, const QString& field, const std::function<void(SweepDraft&)>& change)
{
    SweepDraft next = m_draft;
    change(next);
    if (next != m_draft)
        m_stack.push(new DraftCommand(*this, text, field, std::move(next)));
}

void DraftEditor::reset(const SweepDraft& draft)
{
    m_stack.clear();
    m_draft = draft;
    Q_EMIT draftChanged();
}

} // namespace paretoscope::views
