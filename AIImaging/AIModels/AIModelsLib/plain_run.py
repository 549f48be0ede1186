"""A run that ends in plain data, not in nodes: panels and the application service follow it like a run of a task."""


class PlainRun:
    """A job of a job service, from its start to its end.

    Parameters
    ----------
    service : JobService
    job : Job

    Attributes
    ----------
    handle : of the job: state, fraction, stage
    finished : whether nothing more will happen
    result : what the job returned; None when it did not
    error : why there is no result
    """

    def __init__(self, service, job):
        self.finished = False
        self.result = None
        self.error = None
        self._callbacks = []
        self._service = service
        self.handle = service.submit(job)
        self.handle.on_change(self._onChange)

    def on_finish(self, callback):
        """Call `callback` with this run when it has finished; at once when it has already."""
        if self.finished:
            callback(self)
        else:
            self._callbacks.append(callback)

    def cancel(self):
        """Ask for the end; returns at once."""
        self.handle.cancel()

    def application_closes(self):
        """Stop: nobody will read the result."""
        if not self.finished:
            self.cancel()

    def wait(self):
        """Process until the run has finished, and return the result, or raise why there is none."""
        import time

        while not self.finished:
            self._service.poll()
            time.sleep(0.005)
        if self.error is not None:
            raise self.error
        return self.result

    def onFailure(self, error):
        """Note why there is no result; a derived class may find another one."""
        self.error = error

    def _onChange(self, handle):
        if not handle.state.ended or self.finished:
            return
        try:
            self.result = handle.result()
        # A lost worker, a package that it or we cannot import: whatever it is, whoever asked is told.
        except Exception as error:  # noqa: BLE001
            self.onFailure(error)
        self.finished = True
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)
