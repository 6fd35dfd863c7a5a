// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

class QLineEdit;
class QToolButton;

namespace paretoscope::views {

/// A path to type, choose or drop.
class PathField : public QWidget
{
    Q_OBJECT

public:
    enum class Kind
    {
        Model, ///< a model folder or a GGUF file
        ExistingFile,
        NewFile
    };

    PathField(Kind kind, const QString& name, QWidget* parent = nullptr); ///< `name` for people and assistive tools

    QString path() const;
    void setPath(const QString& path);                           ///< does not emit
    void setFilter(const QString& filter) { m_filter = filter; } ///< of the file dialog
    QLineEdit& edit() { return *m_edit; }

Q_SIGNALS:
    void pathEdited(const QString& path);

protected:
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    void choose(bool folder);
    QString dropped(const QMimeData& mime) const; ///< empty when it cannot be taken
    void take(const QString& path);

    Kind m_kind;
    QString m_name;
    QString m_filter;
    QLineEdit* m_edit;
};

} // namespace paretoscope::views
