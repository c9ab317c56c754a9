# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences that say something of the user's input, in German: English sentence, German sentence. Needs no Blender.

``{0}``, ``{1}`` … stand for what the sentence names, ``{n}``, ``{m}`` for whole numbers. Jobs and *Check* speak English, as on
the command line; the interface finds their sentences here when it shows them.
"""

# fmt: off
SENTENCES = {
    # Check
    "There is no camera. Add one where the station's camera stands, or choose it in the settings.":
        "Es gibt keine Kamera. Eine hinzufügen, wo die Kamera der Station steht, oder sie in den Einstellungen wählen.",
    "{0} is not a camera. Choose a camera.": "{0} ist keine Kamera. Eine Kamera wählen.",
    "EEVEE cannot render the panoramic camera {0}. Make it perspective or orthographic.":
        "EEVEE kann die Panoramakamera {0} nicht rendern. Sie perspektivisch oder orthografisch machen.",
    "The camera {0} is not in this scene. Choose another one.":
        "Die Kamera {0} gehört nicht zu dieser Szene. Eine andere wählen.",
    "No region of interest is marked. Choose the object, usually an empty cube, that encloses it.":
        "Es ist keine Region markiert. Das Objekt wählen, das sie umschließt, meist einen leeren Würfel.",
    "The region {0} is not in this scene. Mark another one.":
        "Die Region {0} gehört nicht zu dieser Szene. Eine andere markieren.",
    "The region {0} is behind the camera {1} or outside its clipping range. Move or turn the camera, or change its clip "
    "start and end.":
        "Die Region {0} liegt hinter der Kamera {1} oder außerhalb ihres Clippings. Die Kamera bewegen oder drehen, oder Anfang "
        "und Ende des Clippings ändern.",
    "The camera {0} does not have the region {1} in frame. Move the camera back, widen its lens, or lower the share that must "
    "be in frame.":
        "Die Kamera {0} hat die Region {1} nicht im Bild. Die Kamera zurücksetzen, die Brennweite verkürzen oder den Anteil "
        "senken, der im Bild sein muss.",
    "The region {0} covers as little as {1} of a reference, {2} of the 256 patches that the encoder sees. Move the camera "
    "closer, use a longer lens, or let it move back less.":
        "Die Region {0} bedeckt bis herab zu {1} einer Referenz, {2} der 256 Felder, die der Encoder sieht. Die Kamera näher "
        "heranrücken, eine längere Brennweite nehmen oder sie weniger weit zurückgehen lassen.",
    "There are no classes. Add one for each thing to tell apart.":
        "Es gibt keine Klassen. Eine für alles hinzufügen, was unterschieden werden soll.",
    "There is only the class {0}, so every photo gets that label. Add a second one, for example one that lists no collection, "
    "for the absent part.":
        "Es gibt nur die Klasse {0}, sodass jedes Foto diese Bezeichnung erhält. Eine zweite hinzufügen, zum Beispiel eine ohne "
        "Sammlung für das fehlende Teil.",
    "The class names {0} and {1} differ only in upper and lower case, so they would share a folder on Windows. Rename one.":
        "Die Klassennamen {0} und {1} unterscheiden sich nur in Groß- und Kleinschreibung; unter Windows teilten sie sich einen "
        "Ordner. Eine umbenennen.",
    "The class {0} has an entry without a collection. Choose one or remove the entry.":
        "Die Klasse {0} hat einen Eintrag ohne Sammlung. Eine wählen oder den Eintrag entfernen.",
    "The class {0} has {1} variants but only {2} images. Raise the images per class, so that every variant is shown.":
        "Die Klasse {0} hat {1} Varianten, aber nur {2} Bilder. Die Bilder je Klasse erhöhen, damit jede Variante gezeigt wird.",
    "The collection {0} is not in this scene. List another one.":
        "Die Sammlung {0} gehört nicht zu dieser Szene. Eine andere angeben.",
    "The collection {0} shows nothing: it has no object that is rendered. Put the part in it, or list another one.":
        "Die Sammlung {0} zeigt nichts: sie hat kein Objekt, das gerendert wird. Das Teil hineinlegen oder eine andere angeben.",
    "The classes {0} and {1} show exactly the same objects. List a collection that only one of them shows.":
        "Die Klassen {0} und {1} zeigen genau dieselben Objekte. Eine Sammlung angeben, die nur eine von beiden zeigt.",
    "The {0} {1} lies in the collection {2}, so it is there for some classes only and photos are told apart by it. Move it to "
    "a collection that no class lists.":
        "{1} ({0}) liegt in der Sammlung {2}, ist also nur bei manchen Klassen da, und Fotos werden danach unterschieden. In eine "
        "Sammlung verschieben, die keine Klasse angibt.",
    "There is no light and the background is dark, so the references may be black. Add a light or a background.":
        "Es gibt kein Licht, und der Hintergrund ist dunkel; die Referenzen können schwarz sein. Licht oder Hintergrund "
        "hinzufügen.",
    "No light casts a shadow, and some classes differ in little else. Turn shadows on in the render settings and in the light.":
        "Kein Licht wirft Schatten, und manche Klassen unterscheiden sich in wenig anderem. Schatten in den "
        "Rendereinstellungen und beim Licht einschalten.",
    "The light varies, but the scene has no light. Add one or set its variation to 0.":
        "Das Licht streut, aber die Szene hat keines. Eines hinzufügen oder seine Streuung auf 0 setzen.",
    "The background varies, but the world has no background node. Add one or set its variation to 0.":
        "Der Hintergrund streut, aber die Welt hat keinen Hintergrund-Node. Einen hinzufügen oder seine Streuung auf 0 setzen.",
    "The {0} {1} has a value that is not a number (NaN). Set it again.":
        "{1} ({0}) hat einen Wert, der keine Zahl ist (NaN). Ihn neu setzen.",
    "A class has no name. Give it one.": "Eine Klasse hat keinen Namen. Ihr einen geben.",
    'The class name "{0}" starts with a dot. Choose another name.':
        "Der Klassenname „{0}“ beginnt mit einem Punkt. Einen anderen wählen.",
    'The class name "{0}" ends with a dot or a space, which Windows drops. Choose another name.':
        "Der Klassenname „{0}“ endet mit einem Punkt oder Leerzeichen, die Windows weglässt. Einen anderen wählen.",
    'The class name "{0}" starts with a space. Choose another name.':
        "Der Klassenname „{0}“ beginnt mit einem Leerzeichen. Einen anderen wählen.",
    'The class name "{0}" contains {1}, which folder names cannot. Choose another name.':
        "Der Klassenname „{0}“ enthält {1}, was Ordnernamen nicht dürfen. Einen anderen wählen.",
    'The class name "{0}" contains a control character. Choose another name.':
        "Der Klassenname „{0}“ enthält ein Steuerzeichen. Einen anderen wählen.",
    'The class name "{0}" is reserved by Windows. Choose another name.':
        "Der Klassenname „{0}“ ist unter Windows reserviert. Einen anderen wählen.",
    "{0} cannot be written to. Choose another folder.": "In {0} kann nicht geschrieben werden. Einen anderen Ordner wählen.",
    # CAD
    "{0} is {1}, which only its own program can read. Export STEP from that program.":
        "{0} ist {1}, was nur das eigene Programm lesen kann. Aus diesem Programm STEP exportieren.",
    "{0} is not a CAD format that can be imported. Use {1}.":
        "{0} ist kein CAD-Format, das eingelesen werden kann. {1} verwenden.",
    "{0} contains animation, which was left out, because parts do not move.":
        "{0} enthält Animation, die weggelassen wurde, weil Teile sich nicht bewegen.",
    "{0} also brings animation; the parts stand where it leaves them out.":
        "{0} bringt auch Animation mit; die Teile stehen, wo sie ohne sie stehen.",
    "{0} also brings {1}; only the parts were imported.": "{0} bringt auch {1} mit; nur die Teile wurden importiert.",
    "{0} contains supports for printing, {1}; they were left out.":
        "{0} enthält Stützen für den Druck, {1}; sie wurden weggelassen.",
    "{0} lies {1} m from the origin, where coordinates are too coarse for its size, so it was moved to the origin: {2} m, {3} m "
    "and {4} m were taken from X, Y and Z.":
        "{0} liegt {1} m vom Ursprung entfernt, wo Koordinaten für seine Größe zu grob sind. Es wurde zum Ursprung verschoben: "
        "{2} m, {3} m und {4} m wurden von X, Y und Z abgezogen.",
    "{0} lies {1} m from the origin, where coordinates are too coarse for its size, so it was moved to the origin: {2} m, {3} m "
    "and {4} m were taken from X, Y and Z. Its points lie on a grid of {5} mm, as single precision is out there. Export it "
    "nearer to the origin.":
        "{0} liegt {1} m vom Ursprung entfernt, wo Koordinaten für seine Größe zu grob sind. Es wurde zum Ursprung verschoben: "
        "{2} m, {3} m und {4} m wurden von X, Y und Z abgezogen. Seine Punkte liegen auf einem Raster von {5} mm, denn so grob ist "
        "einfache Genauigkeit dort draußen. Näher am Ursprung exportieren.",
    "{0} lacks {n} of its {m} faces, which could not be meshed. Export it again, as STEP or STL.":
        "{0} fehlen {n} seiner {m} Flächen, die nicht vernetzt werden konnten. Neu exportieren, als STEP oder STL.",
    "{0} lacks {n} of its {m} faces, which could not be meshed. Export the part again, as another version of STEP or as STL.":
        "{0} fehlen {n} seiner {m} Flächen, die nicht vernetzt werden konnten. Das Teil neu exportieren, in einer anderen Version "
        "von STEP oder als STL.",
    "{0} is missing: none of its {n} faces could be meshed. Export the part again, as another version of STEP or as STL.":
        "{0} fehlt: keine seiner {n} Flächen konnte vernetzt werden. Das Teil neu exportieren, in einer anderen Version von STEP "
        "oder als STL.",
    "{0} has holes, but the file says that its surface is closed. Export the part again, as another version of STEP or as STL.":
        "{0} hat Löcher, aber laut Datei ist seine Oberfläche geschlossen. Das Teil neu exportieren, in einer anderen Version von "
        "STEP oder als STL.",
    "{0} has a surface of {1} mm², but the CAD program states {2} mm². Export the part again, as another version of STEP or as "
    "STL.":
        "{0} hat eine Oberfläche von {1} mm², aber das CAD-Programm nennt {2} mm². Das Teil neu exportieren, in einer anderen "
        "Version von STEP oder als STL.",
    "{0} is coarse: its area or volume is {1} off. Import it with a smaller tolerance.":
        "{0} ist grob: Fläche oder Volumen weichen um {1} ab. Mit einer kleineren Toleranz importieren.",
    "{0} hides 1 entity, but it was imported. Delete what should not be visible.":
        "{0} verbirgt 1 Element, aber es wurde importiert. Löschen, was nicht zu sehen sein soll.",
    "{0} hides {n} entities, but they were imported. Delete what should not be visible.":
        "{0} verbirgt {n} Elemente, aber sie wurden importiert. Löschen, was nicht zu sehen sein soll.",
    "{0} hides {1}, which was left out. If it should be visible, show it in the CAD program and export again.":
        "{0} verbirgt {1}, was weggelassen wurde. Wenn es zu sehen sein soll, es im CAD-Programm einblenden und neu exportieren.",
    "{0} refers to {1}, which cannot be read as STEP in its folder. Copy the missing file there and import it again.":
        "{0} verweist auf {1}, was in seinem Ordner nicht als STEP zu lesen ist. Die fehlende Datei dorthin kopieren und neu "
        "importieren.",
    "{0} needs {1}, which is not in the same folder. Copy it there and import {2} again.":
        "{0} braucht {1}, das nicht im selben Ordner liegt. Es dorthin kopieren und {2} neu importieren.",
    "{0} cannot be imported: {1}. Export it in another way.":
        "{0} kann nicht importiert werden: {1}. Auf andere Weise exportieren.",
    "{0} is empty. Export it from the CAD program again.": "{0} ist leer. Neu aus dem CAD-Programm exportieren.",
    "{0} contains no surfaces that can be rendered. {1}": "{0} enthält keine Flächen, die gerendert werden können. {1}",
    "Blender's add-on {0} is missing. Use a complete Blender installation.":
        "Blenders Add-on {0} fehlt. Eine vollständige Installation von Blender verwenden.",
    "{0} makes Blender's importer crash. Export it from the CAD program again.":
        "{0} bringt Blenders Import zum Absturz. Neu aus dem CAD-Programm exportieren.",
    "{0} was not imported within {1} s. Export fewer parts.":
        "{0} war nach {1} s nicht eingelesen. Weniger Teile exportieren.",
    "{0} is damaged or is not a {1} file. Export it from the CAD program again.":
        "{0} ist beschädigt oder keine {1}-Datei. Neu aus dem CAD-Programm exportieren.",
    "{0} cannot be read as {1}. Export it from the CAD program again ({2}).":
        "{0} kann nicht als {1} gelesen werden. Neu aus dem CAD-Programm exportieren ({2}).",
    "{0} files need the package cascadio. Install the extension's zip, which contains it.":
        "Dateien in {0} brauchen das Paket cascadio. Die Zip-Datei der Erweiterung installieren, die es enthält.",
    "{0} becomes {1} MB of triangles. Raise the tolerance or export fewer parts.":
        "{0} wird zu {1} MB Dreiecken. Die Toleranz erhöhen oder weniger Teile exportieren.",
    "{0} was not converted within {1} s. Raise the tolerance or export fewer parts.":
        "{0} war nach {1} s nicht umgewandelt. Die Toleranz erhöhen oder weniger Teile exportieren.",
    # Looks, cameras, resting positions
    "The scene has neither a lamp nor a bright background. Press Basic Lighting, then match again.":
        "Die Szene hat weder eine Lampe noch einen hellen Hintergrund. „Einfache Beleuchtung“ drücken, dann neu anpassen.",
    "Nothing in the scene can be changed to match the photos.":
        "Nichts in der Szene lässt sich ändern, um es den Fotos anzupassen.",
    "Lamps or materials of the scene were changed meanwhile. Match the look again.":
        "Lampen oder Materialien der Szene wurden inzwischen geändert. Das Aussehen neu anpassen.",
    "No camera sees these points so. Check that each point in the photo belongs to its point on the part.":
        "Keine Kamera sieht diese Punkte so. Prüfen, ob jeder Punkt im Foto zu seinem Punkt am Teil gehört.",
    "{0} points are picked. Pick at least {1}, better six or more.":
        "{0} Punkte sind gewählt. Mindestens {1} wählen, besser sechs oder mehr.",
    "The points lie on a line. Pick points that are spread over the part.":
        "Die Punkte liegen auf einer Geraden. Punkte wählen, die über das Teil verteilt sind.",
    "{0} points that lie in no plane do not determine the focal length. Pick at least {1}, or choose From Photo or Known Lens.":
        "{0} Punkte, die in keiner Ebene liegen, bestimmen die Brennweite nicht. Mindestens {1} wählen, oder „Aus dem Foto“ oder "
        "„Bekanntes Objektiv“ wählen.",
    "Points {0} and {1} are the same {2}. Remove one and pick another point.":
        "Die Punkte {0} und {1} sind derselbe ({2}). Einen entfernen und einen anderen wählen.",
    "The class {0} shows no part of its own. Select a class that shows one.":
        "Die Klasse {0} zeigt kein eigenes Teil. Eine Klasse auswählen, die eines zeigt.",
    "The part that this variant of {0} was made from is in no class. Select a class that lists its collection.":
        "Das Teil, aus dem diese Variante von {0} entstand, gehört zu keiner Klasse. Eine Klasse auswählen, die seine Sammlung "
        "angibt.",
    "No resting position is chosen. Choose at least one, or lower the least share.":
        "Keine Ruhelage ist gewählt. Mindestens eine wählen oder den Mindestanteil senken.",
    # Jobs
    "Another job on {0} writes to {1}. Wait for it or choose another folder; if it no longer runs, delete {2}.":
        "Ein anderer Auftrag auf {0} schreibt nach {1}. Ihn abwarten oder einen anderen Ordner wählen; läuft er nicht mehr, {2} "
        "löschen.",
    "{0} cannot be written to: {1}. Choose another folder.":
        "In {0} kann nicht geschrieben werden: {1}. Einen anderen Ordner wählen.",
    "{0} cannot be written: {1}. Choose another folder.":
        "{0} kann nicht geschrieben werden: {1}. Einen anderen Ordner wählen.",
    "{0} cannot be written: {1}. Choose another place.":
        "{0} kann nicht geschrieben werden: {1}. Einen anderen Ort wählen.",
    "The folder {0} cannot be read: {1}. Choose another one.":
        "Der Ordner {0} kann nicht gelesen werden: {1}. Einen anderen wählen.",
    "{0} was deleted during the job. Start it again.": "{0} wurde während des Auftrags gelöscht. Ihn neu starten.",
    "Blender crashed {0} times on each of {1}, so the references are incomplete. Simplify what these show, or try again with "
    "--fresh.":
        "Blender ist {0}-mal bei jedem von {1} abgestürzt; die Referenzen sind unvollständig. Vereinfachen, was diese zeigen, oder "
        "es mit --fresh neu versuchen.",
    "Blender ended with status {0}. Open Log shows its last messages.":
        "Blender endete mit Status {0}. „Protokoll öffnen“ zeigt die letzten Meldungen.",
    "All references have the same pose, so none can be left out. Render more images per class.":
        "Alle Referenzen haben dieselbe Pose, sodass keine weggelassen werden kann. Mehr Bilder je Klasse rendern.",
    "{0} cannot be read, or another program has changed it ({1}). Validate again.":
        "{0} kann nicht gelesen werden, oder ein anderes Programm hat es geändert ({1}). Neu validieren.",
    'A class is named "unknown" already, so photos cannot be rejected. Rename the class.':
        "Eine Klasse heißt schon „unknown“, sodass Fotos nicht zurückgewiesen werden können. Die Klasse umbenennen.",
    "The folder {0} does not exist. Choose a folder of photos of the station.":
        "Den Ordner {0} gibt es nicht. Einen Ordner mit Fotos der Station wählen.",
    "The photos that the scene was matched to were not found, so references are not moved toward them, which makes alike classes "
    "easier to tell apart. Choose their folder as Photos to Match or give --matched-photos, and build again.":
        "Die Fotos, an die die Szene angepasst wurde, wurden nicht gefunden. Deshalb werden die Referenzen nicht zu ihnen hin "
        "verschoben, was ähnliche Klassen besser trennt. Ihren Ordner als Fotos zum Anpassen wählen oder --matched-photos angeben "
        "und neu erstellen.",
    "The photos that the scene was matched to look like {0} of {1} classes only, so references are not moved toward them. Match "
    "to photos of all classes.":
        "Die Fotos, an die die Szene angepasst wurde, gleichen nur {0} von {1} Klassen. Deshalb werden die Referenzen nicht zu "
        "ihnen hin verschoben. An Fotos aller Klassen anpassen.",
    "{0} has too few photos that can be read: {1}. Choose a folder with {2} or more photos of the station.":
        "{0} hat zu wenige lesbare Fotos: {1}. Einen Ordner mit mindestens {2} Fotos der Station wählen.",
    "There is no encoder {0}. {1}": "Es gibt keinen Encoder {0}. {1}",
    "ONNX Runtime cannot be loaded ({0}). Install the package that was made for this Python; on Windows also install the "
    "Microsoft Visual C++ Redistributable (x64, 2019 or newer).":
        "ONNX Runtime kann nicht geladen werden ({0}). Das Paket für dieses Python installieren; unter Windows auch Microsoft "
        "Visual C++ Redistributable (x64, 2019 oder neuer).",
    "{0} cannot run this encoder here. Choose one of: {1}.":
        "{0} kann diesen Encoder hier nicht ausführen. Eines davon wählen: {1}.",
    "{0} is an ONNX file, but not an encoder of this extension. {1}":
        "{0} ist eine ONNX-Datei, aber kein Encoder dieser Erweiterung. {1}",
    "{0} cannot be loaded as an encoder ({1}). {2}": "{0} kann nicht als Encoder geladen werden ({1}). {2}",
    "The database was made with the encoder {0}, but the one in use is {1}. Name the database's encoder with --encoder, --model "
    "or --precision, or build the database again.":
        "Die Datenbank wurde mit dem Encoder {0} erstellt, benutzt wird aber {1}. Encoder und Genauigkeit der Datenbank wählen "
        "oder sie neu erstellen.",
    "There is no database {0}. Build it first.": "Es gibt keine Datenbank {0}. Sie erst erstellen.",
    "The database {0} needs more memory than there is. Close other programs, or build it again.":
        "Die Datenbank {0} braucht mehr Speicher, als da ist. Andere Programme schließen oder sie neu erstellen.",
    "The database {0} cannot be opened: {1}. Build it again.":
        "Die Datenbank {0} kann nicht geöffnet werden: {1}. Sie neu erstellen.",
    "{0} is not a reference database, or is damaged ({1}). Build it again.":
        "{0} ist keine Referenzdatenbank oder ist beschädigt ({1}). Sie neu erstellen.",
    "The database {0} cannot be used: {1}": "Die Datenbank {0} kann nicht benutzt werden: {1}",
    "There are no photos in {0}. Choose a folder with photos of no class.":
        "In {0} sind keine Fotos. Einen Ordner mit Fotos ohne Klasse wählen.",
    "{0} of {1} images in {2} are rendered. Run render again: it continues from there.":
        "{0} von {1} Bildern in {2} sind gerendert. Neu rendern: es geht dort weiter.",
    "{0} is damaged. Run render again, or remove it to embed every image.":
        "{0} ist beschädigt. Neu rendern, oder es löschen, um jedes Bild einzubetten.",
    "The images of {0} are damaged. Run render again.": "Die Bilder von {0} sind beschädigt. Neu rendern.",
    '{0} has a sub-folder "{1}", which is not a class. Rename it or move it away. The database\'s classes are: {2}.':
        "{0} hat einen Unterordner „{1}“, der keine Klasse ist. Ihn umbenennen oder verschieben. Die Klassen der Datenbank sind: "
        "{2}.",
    "{0} has no sub-folders. Put the photos of each class into a sub-folder with the name of the class. The database's classes "
    "are: {1}.":
        "{0} hat keine Unterordner. Die Fotos jeder Klasse in einen Unterordner mit dem Namen der Klasse legen. Die Klassen der "
        "Datenbank sind: {1}.",
    # Buttons
    "{0} could not be read: {1}. Choose another photo.":
        "{0} konnte nicht gelesen werden: {1}. Ein anderes Foto wählen.",
    "{0} on {n} object": "{0} auf {n} Objekt", "{0} on {n} objects": "{0} auf {n} Objekten",
    "Imported {0} from {1}": "{0} eingelesen aus {1}",
    "{0}: these lamps stand around the camera.": "{0}: diese Lampen stehen um die Kamera.",
    "{0} to solve before rendering; see the References panel": "{0} vor dem Rendern zu lösen; siehe „Referenzen“",
    "Ready to render": "Bereit zum Rendern",
    "{0} is no longer in this view layer; check again": "{0} ist nicht mehr in dieser Ansichtsebene; neu prüfen",
    "The folder holds references of {0}": "Der Ordner enthält Referenzen von {0}",
    "Preview rendered": "Vorschau gerendert",
    "{0} references rendered, {1} kept; build the database next":
        "{0} Referenzen gerendert, {1} behalten; als Nächstes die Datenbank erstellen",
    "Reference database built: {0}": "Referenzdatenbank erstellt: {0}",
    "Macro F1 {0} on {1}": "Makro-F1 {0} auf {1}",
    "{0}; most like a reference of {1}, {2}": "{0}; am ähnlichsten einer Referenz von {1}, {2}",
    "Folders of no class: {0}": "Ordner ohne Klasse: {0}",
    "Rename the class {0} to {1}": "Die Klasse {0} in {1} umbenennen",
    "Rename all {0} classes": "Alle {0} Klassen umbenennen",
    "{0} is {1} now": "{0} heißt jetzt {1}",
    "{0}. Build the database again; no reference is rendered anew":
        "{0}. Die Datenbank neu erstellen; keine Referenz wird neu gerendert",
    "{0}: deeper than the typical class and may be cut off at the edge of the picture. Choose Deepest Class in Adjust Last "
    "Operation to prevent it.":
        "{0}: tiefer als die typische Klasse, kann am Bildrand abgeschnitten werden. „Tiefste Klasse“ unter „Letzte Operation "
        "anpassen“ verhindert es.",
    "The view looks through the camera already; turn the view first":
        "Die Ansicht blickt schon durch die Kamera; erst die Ansicht drehen",
    "The render region is empty. Draw it again with Ctrl B.":
        "Der Renderbereich ist leer. Ihn mit Strg B neu zeichnen.",
    "{0} has {1} variants, which show about {2} of the ways in which it falls":
        "{0} hat {1} Varianten; sie zeigen etwa {2} der Arten, wie es fällt",
    "{0} has {1} variants, which show about {2} of the ways in which it falls. Raise the images per class to at least {3}, so "
    "that each is shown.":
        "{0} hat {1} Varianten; sie zeigen etwa {2} der Arten, wie es fällt. Die Bilder je Klasse auf mindestens {3} erhöhen, "
        "damit jede gezeigt wird.",
    "{0}, on a round side": "{0}, auf einer runden Seite",
    "Select the part that may be absent, and not the body that it sits on.":
        "Das Teil auswählen, das fehlen kann, und nicht den Körper, auf dem es sitzt.",
    "The camera sees {0} points within {1} pixels on average; the largest error is {2}, at point {3}":
        "Die Kamera sieht {0} Punkte im Mittel auf {1} Pixel genau; der größte Fehler ist {2}, bei Punkt {3}",
    "Pixels: {0}": "Pixel: {0}",
    "Point {n}: click the same corner in the photo   (Esc: choose another corner)":
        "Punkt {n}: dieselbe Ecke im Foto anklicken   (Esc: andere Ecke wählen)",
    "Point {n}: click a corner of the part; turn the view as needed   (Enter: match the camera, Backspace: remove the last "
    "point, Esc: cancel)":
        "Punkt {n}: eine Ecke des Teils anklicken; die Ansicht drehen, wie nötig   (Enter: Kamera anpassen, Rücktaste: letzten "
        "Punkt entfernen, Esc: abbrechen)",
    "the region is behind the camera or outside its clipping range":
        "die Region liegt hinter der Kamera oder außerhalb ihres Clippings",
    "not enough of the region is in frame": "zu wenig der Region ist im Bild",
    "the region is hidden by other geometry": "die Region wird verdeckt",
    "Click the surface in the photo   (Esc cancels)": "Die Fläche im Foto anklicken   (Esc bricht ab)",
    "Nothing was found that makes the references clearly more like the photos":
        "Nichts gefunden, was die Referenzen den Fotos deutlich ähnlicher macht",
    "Nothing was found that makes the references clearly more like the photos.":
        "Nichts gefunden, was die Referenzen den Fotos deutlich ähnlicher macht.",
    "{0} matched to {1}; build the database again": "{0} angepasst an {1}; die Datenbank neu erstellen",
    "{0} cancelled; what was finished is kept": "{0} abgebrochen; Fertiges bleibt erhalten",
    "{0} was cancelled. What was finished is kept; the next run continues from there.":
        "{0} wurde abgebrochen. Fertiges bleibt erhalten; der nächste Lauf geht dort weiter.",
    "{0} is done, but its scene {1} was removed or renamed":
        "{0} ist fertig, aber die Szene {1} wurde entfernt oder umbenannt",
    "The job could not start: {0}. Free disk space, or restart Blender.":
        "Der Auftrag konnte nicht starten: {0}. Speicherplatz schaffen oder Blender neu starten.",
    "{0}   (ESC cancels)": "{0}   (ESC bricht ab)",
    "No photo was misclassified": "Kein Foto wurde falsch klassifiziert",
    # Results
    "{n} photo": "{n} Foto", "{n} photos": "{n} Fotos", "{n} neighbour": "{n} Nachbar", "{n} neighbours": "{n} Nachbarn",
    "{n} problem": "{n} Problem", "{n} problems": "{n} Probleme", "{n} object": "{n} Objekt", "{n} objects": "{n} Objekte",
    "{n} thing": "{n} Eigenschaft", "{n} things": "{n} Eigenschaften", "{n} file": "{n} Datei", "{n} files": "{n} Dateien",
    "{0} could not be read": "{0} nicht lesbar",
    "{0} was misclassified": "{0} wurde falsch klassifiziert",
    "{0} were misclassified": "{0} wurden falsch klassifiziert",
    "{0}, classified as {1}": "{0}, klassifiziert als {1}",
    "{0}, similarity {1}": "{0}, Ähnlichkeit {1}",
    "and {0} more in the report": "und {0} weitere im Bericht",
    "Likeness {0} before, {1} after": "Ähnlichkeit {0} vorher, {1} nachher",
    "Pose {n} of {m}": "Pose {n} von {m}",
    "{n} of {m} poses accepted": "{n} von {m} Posen angenommen",
    "{n} draws rejected: {0}": "{n} Ziehungen verworfen: {0}",
    "{0} to {1} (95 %)": "{0} bis {1} (95 %)",
    "accuracy {0}": "Genauigkeit {0}",
    "ran on {0}": "lief auf {0}",
    "the processor": "dem Prozessor",
    "the graphics card (TensorRT)": "der Grafikkarte (TensorRT)",
    "the graphics card (CUDA)": "der Grafikkarte (CUDA)",
    "the graphics card (DirectML)": "der Grafikkarte (DirectML)",
    "{0}: {n} of {m}": "{0}: {n} von {m}",
    "Unknown are {0} of {1} photos of no class, and {2} of {3} photos of the classes.":
        "Unbekannt sind {0} von {1} Fotos ohne Klasse und {2} von {3} Fotos der Klassen.",
    "{0} without the {1} photos that the scene was matched to": "{0} ohne die {1} Fotos, an die die Szene angepasst wurde",
    "White in photos that do not state it: {0}": "Weiß in Fotos, die es nicht nennen: {0}",
    "The photo looks familiar enough to the references ({0}) to belong to a class.":
        "Das Foto sieht den Referenzen vertraut genug aus ({0}), um zu einer Klasse zu gehören.",
    "The photo looks too unfamiliar ({0}) to belong to a class; the nearest is {1}.":
        "Das Foto sieht zu fremd aus ({0}), um zu einer Klasse zu gehören; am nächsten ist {1}.",
    "ONNX Runtime is not installed for this Blender's Python {0}. Install the extension's zip for this Blender version.":
        "ONNX Runtime ist für das Python {0} dieses Blenders nicht installiert. Die Zip-Datei der Erweiterung für diese Version von "
        "Blender installieren.",
    "{0} runs on {1}. {2}": "{0} läuft auf {1}. {2}",
    # A damaged database, photos that cannot be read, and what a job says on the way
    "its format_version is not a version number. Build it again.":
        "ihre format_version ist keine Versionsnummer. Sie neu erstellen.",
    "its format is {0}, and this version reads {1}. Update the extension.":
        "ihr Format ist {0}, und diese Version liest {1}. Die Erweiterung aktualisieren.",
    "it lists no classes, a class twice, no images or no recipe. Build it again.":
        "sie nennt keine Klassen, eine Klasse zweimal, keine Bilder oder kein Rezept. Sie neu erstellen.",
    "its promoted photos are not among its references. Build it again.":
        "ihre übernommenen Fotos gehören nicht zu ihren Referenzen. Sie neu erstellen.",
    "its qualities are not three numbers for each reference. Build it again.":
        "ihre Bildwerte sind nicht drei Zahlen je Referenz. Sie neu erstellen.",
    "its preprocessing is {0}, and this version's is {1}. Build it again.":
        "ihre Vorverarbeitung ist {0}, die dieser Version {1}. Sie neu erstellen.",
    "its crop {0} is not part of a photo. Build it again.": "ihr Ausschnitt {0} ist kein Teil eines Fotos. Sie neu erstellen.",
    "its crop is not part of a photo. Build it again.": "ihr Ausschnitt ist kein Teil eines Fotos. Sie neu erstellen.",
    "its crop is not four numbers. Build it again.": "ihr Ausschnitt besteht nicht aus vier Zahlen. Sie neu erstellen.",
    "its white level is not a number from 1 to 65535. Build it again.":
        "ihr Weißpegel ist keine Zahl von 1 bis 65535. Sie neu erstellen.",
    "its classes or images are not lists of strings. Build it again.":
        "ihre Klassen oder Bilder sind keine Listen von Texten. Sie neu erstellen.",
    "a label is out of range. Build it again.": "eine Bezeichnung liegt außerhalb der Klassen. Sie neu erstellen.",
    "its vectors are not of unit length. Build it again.": "ihre Vektoren haben nicht die Länge eins. Sie neu erstellen.",
    "its domain shift is not shorter than its vectors. Build it again.":
        "ihre Verschiebung ist nicht kürzer als ihre Vektoren. Sie neu erstellen.",
    "a pose is not finite. Build it again.": "eine Pose ist nicht endlich. Sie neu erstellen.",
    "its model is not described completely. Build it again.": "ihr Modell ist nicht vollständig beschrieben. Sie neu erstellen.",
    'its image path "{0}" is outside its folder. Build it again.':
        'ihr Bildpfad "{0}" liegt außerhalb ihres Ordners. Sie neu erstellen.',
    "it has no {0}, so it is not a reference database of this kind. Build it again.":
        "sie hat kein {0}, ist also keine Referenzdatenbank dieser Art. Sie neu erstellen.",
    "its {0} is damaged. Build it again.": "ihr Eintrag {0} ist beschädigt. Sie neu erstellen.",
    "its tensors do not match its metadata. Build it again.": "ihre Tensoren passen nicht zu ihren Metadaten. Sie neu erstellen.",
    "it was just replaced by another. Start again.": "sie wurde gerade durch eine andere ersetzt. Noch einmal starten.",
    "The database holds {n} references, so all of them vote instead of {m}.":
        "Die Datenbank hat {n} Referenzen, also stimmen alle ab statt {m}.",
    "There are no images in {0}: it needs one folder of images per class, with the name of the class.":
        "In {0} gibt es keine Bilder: es braucht je Klasse einen Ordner mit Bildern, der wie die Klasse heißt.",
    "{0} cannot run the encoder ({1}); the next one takes over.":
        "{0} kann den Encoder nicht ausführen ({1}); der nächste übernimmt.",
    "{n} images to render and compare: this takes about {m} min.":
        "{n} Bilder werden gerendert und verglichen: das dauert etwa {m} min.",
    "{0} {1}. Choose a CAD file.": "{0} {1}. Eine CAD-Datei wählen.",
    "The photo does not state its focal length. Choose Find or Known Lens.":
        "Das Foto nennt seine Brennweite nicht. Ermitteln oder Bekanntes Objektiv wählen.",
    "{0} is left out: {1}.": "{0} wird ausgelassen: {1}.",
    "the file is cut off: copy it again": "die Datei ist abgeschnitten: sie noch einmal kopieren",
    "the file is cut off or damaged: copy it again": "die Datei ist abgeschnitten oder beschädigt: sie noch einmal kopieren",
    "a camera's raw file: export it as JPEG, PNG or TIFF": "eine Rohdatei einer Kamera: als JPEG, PNG oder TIFF exportieren",
    "a photo of high dynamic range: export it with standard range, as JPEG or PNG":
        "ein Foto mit hohem Dynamikumfang: mit normalem Umfang exportieren, als JPEG oder PNG",
    "more than 178 megapixels: scale it down": "mehr als 178 Megapixel: verkleinern",
    "too large for this machine's memory: scale it down": "zu groß für den Speicher dieses Rechners: verkleinern",
    "HEIC, which is not supported here: export it as JPEG": "HEIC, das hier nicht gelesen wird: als JPEG exportieren",
    "HEIC, which is damaged or of a rare kind: export it as JPEG":
        "HEIC, beschädigt oder von seltener Art: als JPEG exportieren",
    "JPEG 2000 in colour with 16 bits is not supported: save it as PNG or TIFF":
        "JPEG 2000 in Farbe mit 16 Bit wird nicht gelesen: als PNG oder TIFF speichern",
    "{0}: {1}.": "{0}: {1}.",
}
# fmt: on
