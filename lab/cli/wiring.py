"""What commands work with: engine, materials, lock. A test, or another program, hands in a `Lab` of its own.

What a method needs is imported when it is called: ``lab report`` shall not wait for the Docker SDK.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lab.core.arm import NATIVE_RUNTIME
from lab.core.names import Edition
from lab.disk.paths import home

if TYPE_CHECKING:
    from lab.builds.debian.lock import PackageLock
    from lab.builds.guests import GuestBuild
    from lab.builds.images.ensure import BuildReport
    from lab.builds.images.labels import ImageInfo
    from lab.builds.provenance.packages import Installed
    from lab.builds.together import BuiltEdition
    from lab.campaign.materials import Materials
    from lab.campaign.outlook import Outlook
    from lab.cli.engines import EngineName
    from lab.cluster.host_side import Images
    from lab.core.case import Case
    from lab.core.experiment import Experiment
    from lab.core.guest import GuestId
    from lab.core.manifest import Manifest
    from lab.core.progress import Progress
    from lab.engines.engine import Engine
    from lab.verify.items import Item
    from lab.verify.lockfile import Lock
    from lab.zoo.worker import Ended, Job, Launcher


class Lab:
    """The lab of this machine and checkout."""

    @property
    def home(self) -> Path:
        """Directory of everything that is kept between commands: ``LAB_HOME``."""
        return home()

    @property
    def root(self) -> Path:
        """Root of the file system that holds the kernel's ``proc`` and ``sys``."""
        return Path("/")

    def engine(self, name: EngineName) -> Engine:
        """The engine that runs trials; raises as `lab.cli.engines.open_engine`."""
        from lab.cli.engines import open_engine

        return open_engine(name)

    def outlook(self, cases: Iterable[Case], experiment: Experiment) -> Outlook:
        """How a campaign of these cases begins; raises as `lab.campaign.outlook.outlook`."""
        from lab.campaign.outlook import outlook

        return outlook(cases, experiment, self.home)

    def gather(self, cases: Iterable[Case], experiment: Experiment, progress: Progress) -> Materials:
        """Images, guests and models of these cases; raises as `lab.campaign.prepare.gather`."""
        from lab.campaign.prepare import gather

        return gather(cases, experiment, self.home, progress)

    def recorded(self, manifest: Manifest, cases: Iterable[Case], progress: Progress) -> Materials:
        """What a campaign ran these cases with, if it is still here; raises as `lab.campaign.recorded.recorded`."""
        from lab.builds.images.ensure import recorded_image
        from lab.campaign.recorded import recorded

        return recorded(manifest, cases, self.home, recorded_image, progress)

    def build_images(self, runtimes: Mapping[str, Iterable[str]], progress: Progress) -> dict[str, BuildReport]:
        """Images by edition; raises as `lab.builds.images.ensure.build_editions`."""
        from lab.builds.images.ensure import build_editions

        return build_editions(runtimes, progress)

    def build_together(
        self, runtimes: Mapping[str, Iterable[str]], guests: Mapping[str, Iterable[GuestId]], progress: Progress
    ) -> dict[str, BuiltEdition]:
        """Images and guests by edition; raises as `lab.builds.together.build_together`."""
        from lab.builds.together import build_together

        return build_together(runtimes, guests, progress)

    def lock_packages(self, progress: Progress) -> tuple[PackageLock, PackageLock]:
        """The lock of packages as it was and as it is now; raises as `lab.builds.debian.resolve.lock_packages`."""
        from lab.builds.debian.resolve import lock_packages

        return lock_packages(progress)

    def save_packages(self, reports: Mapping[str, BuildReport], directory: Path, progress: Progress) -> int:
        """Save the packages that images were built from; raises as `lab.builds.images.keep.save_packages`."""
        from lab.builds.images.keep import save_packages

        return save_packages(reports, directory, progress)

    def import_launcher(self, name: EngineName, progress: Progress) -> Launcher:
        """What starts the processes that read a foreign graph.

        A container needs an image: it is built when the first process is started, if it is not here.
        """
        from lab.builds.confined_workers import ConfinedWorkers
        from lab.cli.engines import EngineName
        from lab.zoo.worker import on_host

        if name is EngineName.PROCESS:
            return on_host

        @cache
        def workers() -> ConfinedWorkers:
            report = self.build_images({Edition.CURRENT: [NATIVE_RUNTIME]}, progress)[Edition.CURRENT]
            report.raise_for_problems()
            return ConfinedWorkers(report.images[NATIVE_RUNTIME].image_id)

        def launch(module: str, jobs: Sequence[Job], done: Callable[[str], None]) -> Ended:
            return workers()(module, jobs, done)

        return launch

    def counter_image(self, progress: Progress) -> str:
        """The image in which guests are counted; raises as `lab.builds.counter.ensure_counter`."""
        from lab.builds.counter import ensure_counter

        return ensure_counter(progress)

    def find_images(self, edition: str) -> dict[str, ImageInfo]:
        """Images that are here; raises as `lab.builds.images.ensure.find_images`."""
        from lab.builds.images.ensure import find_images

        return find_images(edition)

    def find_guests(self, edition: str) -> dict[GuestId, GuestBuild]:
        """Guests that are here; raises as `lab.builds.guests.find_guests`."""
        from lab.builds.guests import find_guests

        return find_guests(edition)

    def check_images(self, images: Mapping[str, ImageInfo], progress: Progress, *, rebuild: bool) -> Iterator[Item]:
        """Images compared with their records; raises as `lab.verify.image_checks.check_images`."""
        from lab.verify.image_checks import check_images

        return check_images(images, progress, rebuild=rebuild)

    def export_crate(self, campaign: Path, target: Path, licence: str | None) -> int:
        """A campaign as a research object; raises as `lab.store.crate.export_crate`."""
        from lab.store.crate import export_crate

        return export_crate(campaign, target, licence)

    def export_explore(self, campaign: Path, target: Path) -> int:
        """Every trial as a page to explore; raises as `lab.report.explore.export_explore`."""
        from lab.report.explore import export_explore

        return export_explore(campaign, target)

    def packages_in(self, image: ImageInfo) -> Installed:
        """Debian packages of an image; raises as `lab.builds.provenance.packages.installed_in`."""
        from lab.builds.provenance.packages import installed_in
        from lab.engines.docker_sdk import connect

        return installed_in(connect(), image.image_id)

    def images(self, name: EngineName) -> Images:
        """The images that trials of that engine run in."""
        from lab.builds.images.transfer import EngineImages, NoImages
        from lab.cli.engines import EngineName

        return EngineImages() if name is EngineName.CONTAINER else NoImages()

    def save_image(self, image: str) -> Path:
        """The archive of an image, for other hosts; raises as `lab.builds.images.transfer.save_image`."""
        from lab.builds.images.transfer import save_image

        return save_image(image, self.home / "saved-images")

    @property
    def images_lock(self) -> Path:
        """The list of packages that images held when they were locked."""
        from lab.verify.packages import IMAGES_LOCK_PATH

        return IMAGES_LOCK_PATH

    def read_lock(self) -> Lock:
        """The bytes that every machine must arrive at; raises as `lab.verify.lockfile.read_lock`."""
        from lab.verify.lockfile import read_lock

        return read_lock()


def lab_of(context: typer.Context) -> Lab:
    """The lab that was handed to the program, else that of this machine."""
    return context.obj if isinstance(context.obj, Lab) else Lab()
