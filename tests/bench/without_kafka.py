"""Run a bridge on a publisher that is not Kafka, without a spool."""

from bridge.app.build import make_application, make_connection_limits
from bridge.ingress import server
from bridge.ingress.health import make_management_app
from bridge.publish import Publisher
from bridge.settings.load import Settings
from bridge.telemetry.metrics import Metrics
from tests.support.delivery import without_spool


async def _nothing() -> None:
    pass


async def serve(
    settings: Settings,
    publisher: Publisher,
    metrics: Metrics,
    listeners: server.Listeners,
    stop: server.StopRequest,
) -> None:
    """Serve until a stop is requested."""
    await server.serve(
        make_application(settings, without_spool(publisher, metrics), metrics),
        make_management_app(ready=lambda: None, metrics=metrics),
        listeners,
        server.Lifecycle(
            stop=stop,
            start_up=_nothing,
            on_stopping=lambda: None,
            shut_down=_nothing,
            shutdown_delay_s=0,
            shutdown_timeout_s=1,
        ),
        limits=make_connection_limits(settings),
        metrics=metrics,
    )
