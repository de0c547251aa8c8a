"""The endpoint by which a person answers what a run asks."""

from http import HTTPStatus

import msgspec
from quart import Response, request

from narrate.errors import NotAsked, TooLate, WrongAnswer
from narrate.server.asked import answer_in, body_of
from narrate.server.jobs import JSON, Jobs
from narrate.server.problems import Refused
from narrate.server.service import Service


class Questions:
    """The endpoint under `/runs/ID/answers`."""

    def __init__(self, service: Service, jobs: Jobs) -> None:
        self._service = service
        self._jobs = jobs

    async def answer(self, run_id: str) -> Response:
        """Answer a question of a run, whichever process runs it. The same answer, sent again, is the same answer."""
        begun = await self._service.seen(run_id)
        given = answer_in(await body_of(request, self._service.options), request)
        try:
            told = await self._service.narrator.answer(begun.run, given.value, given.to)
        except NotAsked as error:
            status = HTTPStatus.NOT_FOUND if given.to is not None else HTTPStatus.CONFLICT
            raise Refused(status, str(error), field="to") from error
        except TooLate as error:
            raise Refused(HTTPStatus.CONFLICT, str(error), field="to") from error
        except WrongAnswer as error:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), field="value") from error
        if told is None:
            return await self._jobs.accepted(begun)
        return Response(msgspec.json.encode(told), content_type=JSON)
