"""What a person does with the mouse in a slice view: click, scribble, box or lasso, with its line on the screen."""

import vtk

_CLICK_PIXELS = 3
_INSIDE_COLOUR, _OUTSIDE_COLOUR = (0.2, 1.0, 0.3), (1.0, 0.3, 0.2)


class Gesture:
    """From the press of the button to its release.

    Parameters
    ----------
    effect : the scripted effect, which draws the line
    view : slice widget
    xy : (2,) pixels of the press
    inside : whether it shows the object; else what lies beside it
    box : whether it is a box
    """

    def __init__(self, effect, view, xy, inside, box):
        self.view, self.inside, self.box = view, inside, box
        self.pixels = [tuple(xy)]
        self._effect = effect
        self._points, self._lines = vtk.vtkPoints(), vtk.vtkCellArray()
        data = vtk.vtkPolyData()
        data.SetPoints(self._points)
        data.SetLines(self._lines)
        self._data = data
        mapper = vtk.vtkPolyDataMapper2D()
        mapper.SetInputData(data)
        self._actor = vtk.vtkActor2D()
        self._actor.SetMapper(mapper)
        self._actor.GetProperty().SetColor(*(_INSIDE_COLOUR if inside else _OUTSIDE_COLOUR))
        self._actor.GetProperty().SetLineWidth(2)
        effect.addActor2D(view, self._actor)

    @property
    def is_click(self):
        """Whether the mouse was hardly moved."""
        (x, y), far = self.pixels[0], 0
        for other_x, other_y in self.pixels:
            far = max(far, abs(other_x - x), abs(other_y - y))
        return far <= _CLICK_PIXELS

    def move(self, xy):
        """Go on to a point, and draw the line so far."""
        if tuple(xy) != self.pixels[-1]:
            self.pixels.append(tuple(xy))
            self._draw(self._corners() if self.box else self.pixels)

    def end(self):
        """Take the line off the screen."""
        self._effect.removeActor2D(self.view, self._actor)
        self.view.sliceView().scheduleRender()

    def _corners(self):
        (left, bottom), (right, top) = self.pixels[0], self.pixels[-1]
        return [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]

    def _draw(self, pixels):
        self._points.Reset()
        self._lines.Reset()
        self._lines.InsertNextCell(len(pixels))
        for x, y in pixels:
            self._lines.InsertCellPoint(self._points.InsertNextPoint(x, y, 0))
        self._points.Modified()
        self._data.Modified()
        self.view.sliceView().scheduleRender()
