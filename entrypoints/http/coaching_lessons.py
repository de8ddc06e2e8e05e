"""Routes of lessons."""

from uuid import UUID

import msgspec

from application.coaching.lesson_forms import ChangeLesson, LessonFilter, LessonView, NewLesson
from application.coaching.lessons import Lessons
from application.ports import Found, PageRequest
from entrypoints.http.operation import IfMatch, operation


@operation("GET", "/coach/lessons", "listLessons", "List lessons", shows=LessonView)
async def list_lessons(lessons: Lessons, narrowed: LessonFilter, page: PageRequest) -> Found:
    """Yours and those of the platform; archived ones where `status` asks for them. `search` looks through all that
    they say, `tags` asks for each of several. Sort by `created`, `priority`, `times_applied` or `success_rate`."""
    return await lessons.find(narrowed, page)


@operation("POST", "/coach/lessons", "createLesson", "Write a lesson", shows=LessonView, seconds=40)
async def create_lesson(lessons: Lessons, body: NewLesson) -> msgspec.Raw:
    """Compared with the others before it becomes active: the 409 names what it clashes with, and `accept_clash`
    decides for it all the same. It reaches answers with the next prompt that is made live."""
    return await lessons.create(body)


@operation("GET", "/coach/lessons/{lesson_id:uuid}", "getLesson", "Show a lesson", shows=LessonView)
async def get_lesson(lessons: Lessons, lesson_id: UUID) -> msgspec.Raw:
    """With how often it was applied and what followed within seven days."""
    return await lessons.show(lesson_id)


@operation(
    "PATCH", "/coach/lessons/{lesson_id:uuid}", "changeLesson", "Change a lesson", shows=LessonView, seconds=40
)  # fmt: skip
async def change_lesson(lessons: Lessons, lesson_id: UUID, body: ChangeLesson, version: IfMatch) -> msgspec.Raw:
    """Changes what is named; what it would say then is compared with the others, as when it is written."""
    return await lessons.change(lesson_id, body, version)


@operation("DELETE", "/coach/lessons/{lesson_id:uuid}", "archiveLesson", "Archive a lesson")
async def archive_lesson(lessons: Lessons, lesson_id: UUID) -> None:
    """Puts it away; nothing that was learned is deleted, and `PATCH` brings it back."""
    await lessons.archive(lesson_id)


ROUTES = (list_lessons, create_lesson, get_lesson, change_lesson, archive_lesson)
