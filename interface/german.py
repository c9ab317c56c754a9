# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface in German: English text, German text. Needs no Blender.

What a job or a check says of the user's input is English, as on the command line.
"""

# fmt: off
GERMAN = {
    # Panels
    "Next Step": "Nächster Schritt",
    "CAD & Materials": "CAD und Materialien",
    "Camera & Region": "Kamera und Region",
    "Jitter": "Streuung",
    "Classes": "Klassen",
    "Match Look": "Aussehen anpassen",
    "Scene's": "Die der Szene",
    "None yet": "Noch keine",
    "Validation's": "Die der Validierung",
    "References": "Referenzen",
    "Validation": "Validierung",
    "Result": "Ergebnis",
    "One Photo": "Einzelnes Foto",
    "How Photos Are Compared": "Wie Fotos verglichen werden",
    "Similarity": "Ähnlichkeit",
    "Similarity Search": "Ähnlichkeitssuche",
    "CAD for Similarity Search": "CAD für die Ähnlichkeitssuche",
    "Photo Behind Similarity Camera": "Foto hinter der Kamera der Ähnlichkeitssuche",
    # Steps
    "Parts": "Teile",
    "Region": "Region",
    "Database": "Datenbank",
    "Import CAD, or add an object": "CAD importieren oder ein Objekt hinzufügen",
    "Add a camera: look at the part and press Camera from View":
        "Kamera hinzufügen: auf das Teil blicken und „Kamera aus Ansicht“ drücken",
    "The camera was deleted: look at the part and press Camera from View":
        "Die Kamera wurde gelöscht: auf das Teil blicken und „Kamera aus Ansicht“ drücken",
    "Mark a region: select what every photo shows and press Region from Selection":
        "Region markieren: auswählen, was jedes Foto zeigt, und „Region aus Auswahl“ drücken",
    "The region was deleted: select what every photo shows and press Region from Selection":
        "Die Region wurde gelöscht: auswählen, was jedes Foto zeigt, und „Region aus Auswahl“ drücken",
    "Add a class: select what only it shows and press Class from Selection":
        "Klasse hinzufügen: auswählen, was nur sie zeigt, und „Klasse aus Auswahl“ drücken",
    "Add a second class, or one that shows nothing, so that there is something to tell apart":
        "Eine zweite Klasse hinzufügen, oder eine, die nichts zeigt, damit es etwas zu unterscheiden gibt",
    "Choose an output folder": "Ausgabeordner wählen",
    "Save the .blend file first, or choose an output folder that does not start with //":
        "Erst die .blend-Datei speichern, oder einen Ausgabeordner wählen, der nicht mit // beginnt",
    "Build the reference database": "Referenzdatenbank erstellen",
    "Choose the folder of real photos": "Ordner mit echten Fotos wählen",
    "Choose a folder of real photos, one sub-folder for each class, and validate against them":
        "Ordner mit echten Fotos wählen, mit einem Unterordner je Klasse, und damit validieren",
    "Everything is there. Classify a photo under One Photo, or open the report.":
        "Alles ist da. Unter „Einzelnes Foto“ ein Foto klassifizieren oder den Bericht öffnen.",
    'Choose the folder of real photos again: "{name}" does not exist':
        "Ordner mit echten Fotos neu wählen: „{name}“ gibt es nicht",
    'Choose another output folder: "{name}" cannot be written to':
        "Anderen Ausgabeordner wählen: in „{name}“ kann nicht geschrieben werden",
    "The class {name} lacks a collection: select a part and press Add Collection, or remove the entry":
        "Der Klasse {name} fehlt eine Sammlung: ein Teil auswählen und „Sammlung hinzufügen“ drücken, oder den Eintrag entfernen",
    "Delete {name}, the cube that Blender starts with: it hides the part":
        "{name} löschen, den Würfel, mit dem Blender startet: er verdeckt das Teil",
    "Build the database again: {reasons}": "Datenbank neu erstellen: {reasons}",
    "Validate again: {reasons}": "Neu validieren: {reasons}",
    "Out of date: {reason}.": "Veraltet: {reason}.",
    "the scene changed since": "die Szene hat sich geändert",
    "the reference database changed since": "die Referenzdatenbank hat sich geändert",
    "the photos changed since": "die Fotos haben sich geändert",
    "Wait for the running job, or cancel it": "Den laufenden Auftrag abwarten oder abbrechen",
    "Select a part first, or click its collection in the outliner":
        "Erst ein Teil auswählen oder seine Sammlung in der Übersicht anklicken",
    "Select the parts that every photo shows first": "Erst die Teile auswählen, die jedes Foto zeigt",
    "Select the objects that get the material first": "Erst die Objekte auswählen, die das Material erhalten",
    "Select the parts to lay on the table": "Die Teile auswählen, die auf den Tisch gelegt werden",
    "Step through the poses first": "Erst durch die Posen blättern",
    "Add a class first": "Erst eine Klasse hinzufügen",
    "Choose a photo first": "Erst ein Foto wählen",
    "Validate against real images first": "Erst mit echten Bildern validieren",
    "No job is running": "Es läuft kein Auftrag",
    # Buttons
    "Save File": "Datei speichern",
    "Import CAD": "CAD importieren",
    "Bring in STEP, IGES, 3MF, STL, OBJ, PLY, glTF, FBX or USD files with their names, hierarchy and colours":
        "Dateien in STEP, IGES, 3MF, STL, OBJ, PLY, glTF, FBX oder USD mit Namen, Hierarchie und Farben einlesen",
    "Basic Material": "Einfaches Material",
    "New Station": "Neue Station",
    "Open Example": "Beispiel öffnen",
    "Open Similarity Example": "Beispiel der Ähnlichkeitssuche öffnen",
    "Open a station that is set up, with simulated photos, to try the whole way: then press Build Database and Validate. "
    "Your copy of it is kept with your Blender settings":
        "Eine fertige Station mit simulierten Fotos öffnen, um den ganzen Weg zu probieren: danach „Datenbank erstellen“ und "
        "„Validieren“ drücken. Die eigene Kopie liegt bei den Blender-Einstellungen",
    "Unsaved changes will be lost": "Ungespeicherte Änderungen gehen verloren",
    "New Similarity Station": "Neue Station der Ähnlichkeitssuche",
    "Station": "Station",
    "What the station does": "Was die Station tut",
    "Set up lamps, background, a camera above, the region, jitter and classes for the parts at once. Change each of them "
    "afterwards":
        "Lampen, Hintergrund, eine Kamera darüber, Region, Streuung und Klassen für die Teile auf einmal einrichten. Alles lässt "
        "sich danach ändern",
    "Parts on a Table": "Teile auf einem Tisch",
    "Tell apart parts that lie on a table: a class for each, and one for the empty table":
        "Teile unterscheiden, die auf einem Tisch liegen: eine Klasse für jedes und eine für den leeren Tisch",
    "Presence Check": "Anwesenheitskontrolle",
    "Tell whether the selected part is there: the other parts are always in sight":
        "Erkennen, ob das ausgewählte Teil da ist: die übrigen Teile sind immer zu sehen",
    "Apply Material": "Material zuweisen",
    "Give the selected objects a basic material; edit it afterwards like any other":
        "Den ausgewählten Objekten ein einfaches Material geben; es lässt sich danach wie jedes andere bearbeiten",
    "Material from Photo": "Material aus Foto",
    "Basic Lighting": "Einfache Beleuchtung",
    "Plain Background": "Einfarbiger Hintergrund",
    "Background and Table": "Hintergrund und Tisch",
    "Lay on Table": "Auf den Tisch legen",
    "Turn the selected parts as they lie at the station, and set them down on the table or on height 0":
        "Die ausgewählten Teile so drehen, wie sie an der Station liegen, und auf den Tisch oder auf Höhe 0 absetzen",
    "Camera from View": "Kamera aus Ansicht",
    "Similarity Camera from View": "Kamera der Ähnlichkeitssuche aus Ansicht",
    "Move the nominal camera to the viewpoint of this view, with a square frame like that of the references":
        "Die Nennkamera an den Standpunkt dieser Ansicht stellen, mit quadratischem Bild wie bei den Referenzen",
    "Photo as Backdrop": "Foto als Hintergrund",
    "Show a real photo in the camera view, to align the camera. It is squashed to a square, as the encoder sees it":
        "Ein echtes Foto in der Kameraansicht zeigen, um die Kamera auszurichten. Es wird zum Quadrat gestaucht, "
        "wie der Encoder es sieht",
    "Remove Backdrop": "Hintergrundfoto entfernen",
    "Remove the photo from the camera view": "Das Foto aus der Kameraansicht entfernen",
    "Region from Selection": "Region aus Auswahl",
    "Region of Interest from Selection": "Interessierende Region aus Auswahl",
    "Mark what every photo shows: a box around the selected parts that is never rendered. "
    "Move and scale it like any object":
        "Markieren, was jedes Foto zeigt: ein Quader um die ausgewählten Teile, der nie gerendert wird. "
        "Er lässt sich wie jedes Objekt bewegen und skalieren",
    "Set Jitter": "Streuung setzen",
    "Step through Poses": "Durch die Posen blättern",
    "Look through the next camera pose that will be rendered; the nominal camera stays where it is":
        "Durch die nächste Kamerapose blicken, die gerendert wird; die Nennkamera bleibt, wo sie ist",
    "Back to Nominal Camera": "Zurück zur Nennkamera",
    "Stop looking through the poses": "Nicht mehr durch die Posen blicken",
    "Add Class": "Klasse hinzufügen",
    "Add a class to tell apart; then choose the collections it shows":
        "Eine Klasse hinzufügen, die unterschieden werden soll; dann die Sammlungen wählen, die sie zeigt",
    "Class from Selection": "Klasse aus Auswahl",
    "Similarity Class from Selection": "Klasse der Ähnlichkeitssuche aus Auswahl",
    "Add a class that shows the selected part and is named after it, or a class for each selected part":
        "Eine Klasse hinzufügen, die das ausgewählte Teil zeigt und nach ihm heißt, oder eine für jedes ausgewählte Teil",
    "Add Present and Absent": "An- und abwesend",
    "Add Classes Present and Absent": "Klassen „anwesend“ und „abwesend“ hinzufügen",
    "For a presence check: one class that shows the selected part and one that does not":
        "Für eine Anwesenheitskontrolle: eine Klasse, die das ausgewählte Teil zeigt, und eine ohne",
    "Remove Class": "Klasse entfernen",
    "Take the class out of the list; its collections and rendered references stay":
        "Die Klasse aus der Liste nehmen; ihre Sammlungen und gerenderten Referenzen bleiben",
    "Rename Classes": "Klassen umbenennen",
    "Give classes, with all their variants, other names. Their references are kept under the new ones":
        "Klassen mit allen ihren Varianten anders nennen. Ihre Referenzen bleiben unter den neuen Namen erhalten",
    "Move Class": "Klasse verschieben",
    "Change the order of the classes, which is the order of every table":
        "Die Reihenfolge der Klassen ändern; sie gilt in jeder Tabelle",
    "Add Collection": "Sammlung hinzufügen",
    "Let the class show one more collection, starting with the selected part's":
        "Die Klasse eine weitere Sammlung zeigen lassen, zuerst die des ausgewählten Teils",
    "Remove Collection": "Sammlung entfernen",
    "The class no longer shows this collection": "Die Klasse zeigt diese Sammlung nicht mehr",
    "Show Class": "Klasse zeigen",
    "Show in the viewport what this class will render; press again to show everything":
        "In der 3D-Ansicht zeigen, was diese Klasse rendern wird; nochmals drücken, um alles zu zeigen",
    "Check": "Prüfen",
    "Check Similarity Scene": "Szene der Ähnlichkeitssuche prüfen",
    "List everything that would stop or spoil a render, all at once":
        "Alles auf einmal auflisten, was ein Rendern verhindern oder verderben würde",
    "Select": "Auswählen",
    "Select the object, the collection's objects or the class that this problem is about":
        "Das Objekt, die Objekte der Sammlung oder die Klasse auswählen, um die es geht",
    "Preview": "Vorschau",
    "Preview Similarity References": "Vorschau der Referenzen",
    "Render one reference per class and show them side by side":
        "Eine Referenz je Klasse rendern und nebeneinander zeigen",
    "Render References": "Referenzen rendern",
    "Render Similarity References": "Referenzen der Ähnlichkeitssuche rendern",
    "Render the references of every class in the background. What is already rendered and unchanged is kept":
        "Die Referenzen jeder Klasse im Hintergrund rendern. Was schon gerendert und unverändert ist, bleibt",
    "Build Database": "Datenbank erstellen",
    "Build Similarity Database": "Datenbank der Ähnlichkeitssuche erstellen",
    "Render what is missing, turn every reference into a vector and save the reference database":
        "Fehlendes rendern, jede Referenz in einen Vektor umwandeln und die Referenzdatenbank speichern",
    "Validate against real images": "Mit echten Bildern validieren",
    "Validate against Real Photos": "Mit echten Fotos validieren",
    "Classify every photo of the folder and compare with the sub-folder it lies in: F1 per class and macro F1":
        "Jedes Foto des Ordners klassifizieren und mit seinem Unterordner vergleichen: F1 je Klasse und Makro-F1",
    "Classify Photo": "Foto klassifizieren",
    "Say which class the photo shows, with the votes and the most similar references":
        "Sagen, welche Klasse das Foto zeigt, mit den Stimmen und den ähnlichsten Referenzen",
    "Show Mistakes": "Fehler zeigen",
    "Show Misclassified Photos": "Falsch klassifizierte Fotos zeigen",
    "Show the misclassified photos, each beside its most similar reference":
        "Die falsch klassifizierten Fotos zeigen, jedes neben seiner ähnlichsten Referenz",
    "Open Report": "Bericht öffnen",
    "Open Validation Report": "Bericht der Validierung öffnen",
    "Open the validation report in the web browser": "Den Bericht der Validierung im Browser öffnen",
    "Open Picture": "Bild öffnen",
    "Open the picture in the system's image viewer": "Das Bild im Bildbetrachter des Systems öffnen",
    "Open Log": "Protokoll öffnen",
    "Open what the last job wrote, to find out why it failed":
        "Öffnen, was der letzte Auftrag geschrieben hat, um zu sehen, warum er scheiterte",
    "Cancel": "Abbrechen",
    "Stop the running job; what was finished stays, and the next run goes on from there":
        "Den laufenden Auftrag anhalten; was fertig ist, bleibt, und der nächste macht dort weiter",
    "Check Encoder": "Encoder prüfen",
    "Load the encoder to see that it runs on this machine, and whose weights it has":
        "Den Encoder laden, um zu sehen, ob er auf diesem Rechner läuft und wessen Gewichte er hat",
    "Crop from Render Region": "Ausschnitt aus Renderbereich",
    "Use the render region, drawn with Ctrl B in the camera view over a photo behind it, as the part of every photo that counts":
        "Den Renderbereich, mit Strg B in der Kameraansicht über dem Foto gezogen, als den Teil jedes Fotos nehmen, der zählt",
    # Settings
    "Region of Interest": "Interessierende Region",
    "What every reference must show: the world-space bounding box of this object, usually an empty cube. It is never rendered":
        "Was jede Referenz zeigen muss: der Hüllquader dieses Objekts, meist ein leerer Würfel. Er wird nie gerendert",
    "Camera": "Kamera",
    "The nominal camera, standing where the station's camera stands. Empty: the scene's camera":
        "Die Nennkamera, dort, wo die Kamera der Station steht. Leer: die Kamera der Szene",
    "Location": "Position",
    "Rotation": "Drehung",
    "Light Direction": "Lichtrichtung",
    "Light Strength": "Lichtstärke",
    "Background": "Hintergrund",
    "Material": "Material",
    "Seed": "Startwert",
    "The same seed gives the same camera poses and variations; another one gives a fresh set":
        "Derselbe Startwert gibt dieselben Kameraposen und Variationen, ein anderer neue",
    "Least in Frame": "Anteil im Bild",
    "Share of the region of interest that must be inside the picture for a pose to be used. 1 keeps the whole region in view":
        "Anteil der Region, der im Bild sein muss, damit eine Pose benutzt wird. 1 hält die ganze Region im Bild",
    "Least Unobstructed": "Mindestens frei",
    "Least in Sight": "Anteil sichtbar",
    "Share of the region of interest that must not be hidden by geometry outside it, for every class. 0 does not look for "
    "hiding geometry":
        "Anteil der Region, der bei keiner Klasse von Geometrie außerhalb verdeckt sein darf. 0 sucht nicht danach",
    "Images": "Bilder",
    "Images per Class": "Bilder je Klasse",
    "References rendered for each class. More cover the jitter more densely; time grows in proportion, and so does the "
    "number of votes a class can cast":
        "Referenzen, die je Klasse gerendert werden. Mehr decken die Streuung dichter ab; die Zeit wächst im selben Maß, "
        "ebenso die Zahl der Stimmen, die eine Klasse haben kann",
    "Resolution": "Auflösung",
    "Width and height of a reference. The encoder looks at 224 x 224, so more only costs time":
        "Breite und Höhe einer Referenz. Der Encoder sieht 224 x 224, mehr kostet also nur Zeit",
    "Samples": "Abtastungen",
    "EEVEE samples per reference. More samples smooth edges and soft shadows, and take longer":
        "Abtastungen von EEVEE je Referenz. Mehr glätten Kanten und weiche Schatten und dauern länger",
    "What the classifier tells apart, and what each class shows":
        "Was der Klassifikator unterscheidet und was jede Klasse zeigt",
    "Class": "Klasse",
    "The label that photos get. It is also the name of the folder that holds the references. Entries that share a name are "
    "variants of one class":
        "Die Bezeichnung, die Fotos erhalten. So heißt auch der Ordner mit den Referenzen. Einträge gleichen Namens sind "
        "Varianten einer Klasse",
    "Collections": "Sammlungen",
    "What this class shows besides the collections that no class lists. Nothing listed: the part is absent":
        "Was diese Klasse außer den Sammlungen zeigt, die keine Klasse nennt. Nichts genannt: das Teil fehlt",
    "Collection": "Sammlung",
    "Shown only for the classes that list it. Collections listed by no class are always shown":
        "Nur bei den Klassen sichtbar, die sie nennen. Sammlungen, die keine Klasse nennt, sind immer sichtbar",
    "Active Class": "Aktive Klasse",
    "The class that is selected in the list": "Die in der Liste ausgewählte Klasse",
    "Encoder": "Encoder",
    "DINOv2 variant that turns images into vectors. References and photos must use the same one":
        "Variante von DINOv2, die Bilder in Vektoren umwandelt. Referenzen und Fotos müssen dieselbe benutzen",
    "Smallest and fastest, 384 numbers per image; the paper's best on average":
        "Die kleinste und schnellste, 384 Zahlen je Bild; im Mittel die beste der Veröffentlichung",
    "768 numbers per image, about four times the work of ViT-S/14":
        "768 Zahlen je Bild, etwa viermal so viel Arbeit wie ViT-S/14",
    "1024 numbers per image, about thirteen times the work of ViT-S/14":
        "1024 Zahlen je Bild, etwa dreizehnmal so viel Arbeit wie ViT-S/14",
    "1536 numbers per image, needs several gigabytes of memory":
        "1536 Zahlen je Bild, braucht mehrere Gigabyte Speicher",
    "Precision": "Genauigkeit",
    "How exactly the encoder calculates. References and photos must use the same; after a change, build the database again":
        "Wie genau der Encoder rechnet. Referenzen und Fotos müssen dieselbe benutzen; nach einer Änderung die Datenbank "
        "neu erstellen",
    "Exact": "Genau",
    "32-bit floating point; on a graphics processor where the ONNX Runtime here offers one":
        "Gleitkomma mit 32 Bit; auf der Grafikkarte, wenn die ONNX Runtime hier eine anbietet",
    "Fast": "Schnell",
    "Neighbours": "Nachbarn",
    "How many of the most similar references vote on a photo's class. Odd numbers make ties rare":
        "Wie viele der ähnlichsten Referenzen über die Klasse eines Fotos abstimmen. Bei ungeraden Zahlen ist Gleichstand selten",
    "Output": "Ausgabe",
    "Folder for the references and the reference database. // means beside the .blend file":
        "Ordner für die Referenzen und die Referenzdatenbank. // bedeutet neben der .blend-Datei",
    "Photos": "Fotos",
    "Folder of real photos to validate against, with one sub-folder per class":
        "Ordner mit echten Fotos für die Validierung, mit einem Unterordner je Klasse",
    "No Class": "Keine Klasse",
    "Optional folder of photos of no class: the empty station, a hand, another part. A validation chooses from them how "
    "familiar a photo must look; less familiar ones are unknown":
        "Wahlweise ein Ordner mit Fotos, die zu keiner Klasse gehören: die leere Station, eine Hand, ein anderes Teil. Eine "
        "Validierung bestimmt daraus, wie vertraut ein Foto aussehen muss; weniger vertraute sind unbekannt",
    "Reject Unknown": "Unbekanntes ablehnen",
    "Answer unknown instead of the most similar class where a photo looks less familiar than the threshold of the last "
    "validation with photos of no class":
        "„Unbekannt“ statt der ähnlichsten Klasse antworten, wenn ein Foto weniger vertraut aussieht als die Schwelle der "
        "letzten Validierung mit Fotos ohne Klasse",
    "White Level": "Weißwert",
    "Crop": "Ausschnitt",
    "Crop Left": "Ausschnitt links",
    "Top": "Oben",
    "Width": "Breite",
    "Height": "Höhe",
    "Explain the Gap": "Abstand erklären",
    "Also test which changes bring the photos closer to the references: brightness, colour, size, position, background. Takes "
    "some minutes; the report shows the figures":
        "Auch prüfen, welche Änderungen die Fotos näher an die Referenzen bringen: Helligkeit, Farbe, Größe, Lage, "
        "Hintergrund. Dauert einige Minuten; der Bericht zeigt die Zahlen",
    "Photo": "Foto",
    "One real photo to classify": "Ein echtes Foto, das klassifiziert wird",
    "Show Poses": "Posen zeigen",
    "Draw the region of interest, the space the camera moves in and every camera pose in the 3D viewport: green poses are "
    "rendered, red ones are rejected":
        "Die Region, den Bewegungsraum der Kamera und jede Kamerapose in die 3D-Ansicht zeichnen: grüne werden gerendert, "
        "rote sind verworfen",
    "Opacity": "Deckkraft",
    "How strongly the photo covers the scene": "Wie stark das Foto die Szene überdeckt",
    "Margin": "Rand",
    "How much larger than the selected parts the box is": "Wie viel größer als die ausgewählten Teile der Quader ist",
    # Choices
    "Show": "Zeigen",
    "Comes and Goes": "Kommt und geht",
    "What of a collection that also holds parts which are not selected":
        "Was von einer Sammlung, die auch nicht ausgewählte Teile enthält",
    "Selected Parts Only": "Nur ausgewählte Teile",
    "The other parts of the collection, such as the body, stay in sight":
        "Die übrigen Teile der Sammlung, etwa das Gehäuse, bleiben sichtbar",
    "The other parts of the collection stay in sight for every class":
        "Die übrigen Teile der Sammlung bleiben bei jeder Klasse sichtbar",
    "The Whole Collection": "Die ganze Sammlung",
    "All parts of the collection in which one is selected": "Alle Teile der Sammlung, in der eines ausgewählt ist",
    "What several parts become": "Was aus mehreren Teilen wird",
    "A Class for Each Part": "Eine Klasse je Teil",
    "The parts are to be told apart": "Die Teile sollen unterschieden werden",
    "One Class": "Eine Klasse",
    "The parts are seen together": "Die Teile sind zusammen zu sehen",
    "Leave Out Other Folders": "Andere Ordner auslassen",
    "Leave out the sub-folders that bear the name of no class": "Die Unterordner auslassen, die wie keine Klasse heißen",
    "Leave them out and validate": "Auslassen und validieren",
    "Replace": "Ersetzen",
    "Replace them": "Ersetzen",
    "Or choose another output folder": "Oder einen anderen Ausgabeordner wählen",
    "Replace references of another scene or file that the output folder holds":
        "Referenzen einer anderen Szene oder Datei im Ausgabeordner ersetzen",
    "Tolerance": "Toleranz",
    "STEP only: how far the triangles may lie off the true surface. Smaller is rounder and slower":
        "Nur STEP: wie weit die Dreiecke von der wahren Fläche abweichen dürfen. Kleiner ist runder und langsamer",
    "Unit": "Einheit",
    "STL, OBJ and PLY only, which do not say it: the length of one unit in the file":
        "Nur STL, OBJ und PLY, die sie nicht nennen: die Länge einer Einheit in der Datei",
    "Usual for the Format": "Üblich für das Format",
    "Millimetres for STL, metres for OBJ and PLY": "Millimeter bei STL, Meter bei OBJ und PLY",
    "Millimetre": "Millimeter",
    "Centimetre": "Zentimeter",
    "Inch": "Zoll",
    "Metre": "Meter",
    "Up": "Oben",
    "STL, OBJ and PLY only, which do not say it: the axis of the file that points up":
        "Nur STL, OBJ und PLY, die sie nicht nennen: die Achse der Datei, die nach oben zeigt",
    "Y for OBJ, Z for STL and PLY": "Y bei OBJ, Z bei STL und PLY",
    "Remove Start-up Objects": "Startobjekte entfernen",
    "Take away the cube, camera and light that a new Blender file holds; the cube would hide the part":
        "Würfel, Kamera und Licht einer neuen Blender-Datei wegnehmen; der Würfel würde das Teil verdecken",
    "Turn about the world's axes; a quarter turn lays a standing part on its side":
        "Drehung um die Achsen der Welt; eine Vierteldrehung legt ein stehendes Teil auf die Seite",
    "Finish": "Oberfläche",
    "Surface finish; about the right brightness, gloss and grain is what the encoder needs":
        "Oberfläche; der Encoder braucht ungefähr die richtige Helligkeit, den Glanz und die Körnung",
    "Painted Metal": "Lackiertes Metall",
    "Anodised Aluminium": "Eloxiertes Aluminium",
    "Machined Aluminium": "Gefrästes Aluminium",
    "Chrome": "Chrom",
    "Zinc Plated": "Verzinkt",
    "Brushed Steel": "Gebürsteter Stahl",
    "Cast Iron": "Gusseisen",
    "Black Plastic": "Schwarzer Kunststoff",
    "Grey Plastic": "Grauer Kunststoff",
    "White Plastic": "Weißer Kunststoff",
    "Plastic": "Kunststoff",
    "Rubber": "Gummi",
    "Red Rubber": "Roter Gummi",
    "Glass": "Glas",
    "Wood": "Holz",
    "Felt": "Filz",
    "Spot": "Stelle",
    "Spot from Left": "Stelle von links",
    "From Below": "Von unten",
    "Middle of the spot, from the photo's left and lower edge": "Mitte der Stelle, vom linken und unteren Rand des Fotos",
    "Spot Size": "Größe der Stelle",
    "Width of the spot as a share of the photo; its median colour is used":
        "Breite der Stelle als Anteil des Fotos; ihre mittlere Farbe wird benutzt",
    "Colour": "Farbe",
    "Gloss": "Glanz",
    "Brightness": "Helligkeit",
    "Light": "Licht",
    "Lamps": "Lampen",
    "Soft": "Weich",
    "Hard": "Hart",
    "Low": "Flach",
    "Strength": "Stärke",
    "Table": "Tisch",
    "A plane under the parts that takes their shadows; give it a material like any object":
        "Eine Ebene unter den Teilen, die deren Schatten auffängt; sie erhält ein Material wie jedes Objekt",
    "Amount": "Maß",
    "Small": "Klein",
    "Medium": "Mittel",
    "Large": "Groß",
    "Direction": "Richtung",
    "Down": "Abwärts",
    "Picture": "Bild",
    "The file": "Die Datei",
    "From": "Von",
    "To": "Nach",
    "The names of the classes now, a line each": "Die jetzigen Namen der Klassen, einer je Zeile",
    "Their names from now on, in the same order": "Ihre künftigen Namen, in derselben Reihenfolge",
    "Step": "Schritt",
    "How many poses forward; negative goes back": "Wie viele Posen vorwärts; negativ rückwärts",
    # Further hints
    "Largest offset of the camera along its own X (right), Y (up) and Z (back). Set it to how far the part or the camera may sit "
    "from its nominal place: too small and shifted photos find no similar reference, too large and the part is small or cut off "
    "in many references":
        "Größter Versatz der Kamera entlang ihrer eigenen X- (rechts), Y- (oben) und Z-Achse (zurück). So weit, wie Teil oder "
        "Kamera vom Nennort abweichen können: zu klein, und verschobene Fotos finden keine ähnliche Referenz; zu groß, und das "
        "Teil ist in vielen Referenzen klein oder abgeschnitten",
    "Largest turn of the camera about its own X (pitch), Y (yaw) and Z (roll). A large roll suits parts that lie on a table in any "
    "direction":
        "Größte Drehung der Kamera um ihre eigene X- (Nicken), Y- (Gieren) und Z-Achse (Rollen). Großes Rollen passt zu Teilen, "
        "die beliebig gedreht auf einem Tisch liegen",
    "Largest turn of each light about the region of interest, so that shadows and highlights move from reference to reference. 0 "
    "leaves the lights as they are":
        "Größte Drehung jedes Lichts um die Region, sodass Schatten und Glanzlichter von Referenz zu Referenz wandern. 0 lässt "
        "die Lichter, wie sie sind",
    "Largest relative change of each light's strength: 0.5 lets it vary between 1/1.5 and 1.5 times. Helps where exposure differs "
    "from photo to photo. 0 leaves it as it is":
        "Größte relative Änderung der Stärke jedes Lichts: 0,5 lässt sie zwischen dem 1/1,5- und 1,5-Fachen schwanken. Hilft, "
        "wenn die Belichtung der Fotos schwankt. 0 lässt sie, wie sie ist",
    "Largest relative change of the world background's brightness; it also fills shadows. 0 leaves it as it is":
        "Größte relative Änderung der Helligkeit des Hintergrunds; er hellt auch Schatten auf. 0 lässt sie, wie sie ist",
    "How much the colour, roughness and texture placement of the materials vary. Helps where the real finish is not known exactly. "
    "0 leaves them as they are":
        "Wie stark Farbe, Rauheit und Lage der Textur der Materialien schwanken. Hilft, wenn die echte Oberfläche nicht genau "
        "bekannt ist. 0 lässt sie, wie sie sind",
    "Perceptrons in 8 bits: a third less time on the processor. Stand-in's weights, 468 real photos: cosine to exact 0.9996, least "
    "0.998; macro F1 unchanged on both sets":
        "Perzeptrons mit 8 Bit: ein Drittel weniger Zeit auf dem Prozessor. Ersatzgewichte, 468 echte Fotos: Kosinus zu „Genau“ "
        "0,9996, mindestens 0,998; Makro-F1 in beiden Sätzen unverändert",
    "The value that is white in 16-bit photos that do not state it: 4095 for a 12-bit camera. 0: the photos are compared and a "
    "sentence says what was assumed. Stored in the database when you build it":
        "Der Wert, der in Fotos mit 16 Bit weiß ist, die ihn nicht nennen: 4095 bei einer Kamera mit 12 Bit. 0: die Fotos werden "
        "verglichen, und ein Satz nennt die Annahme. Wird beim Erstellen in der Datenbank gespeichert",
    "The part of each photo that counts: left, top, width and height as shares of the photo. Photos are cropped to it first, so it "
    "should show what the references show. Stored in the database when you build it":
        "Der Teil jedes Fotos, der zählt: links, oben, Breite und Höhe als Anteile des Fotos. Fotos werden zuerst darauf "
        "beschnitten; er sollte zeigen, was die Referenzen zeigen. Wird beim Erstellen in der Datenbank gespeichert",
    "Where the lamps stand and how large they are": "Wo die Lampen stehen und wie groß sie sind",
    "Three large lamps: soft shadows and broad highlights": "Drei große Lampen: weiche Schatten und breite Glanzlichter",
    "One small lamp and a weak one that fills: sharp shadows and small highlights":
        "Eine kleine Lampe und eine schwache zum Aufhellen: scharfe Schatten und kleine Glanzlichter",
    "A lamp just above the table, which makes relief and edges stand out, and a weak one that fills from above":
        "Eine Lampe knapp über dem Tisch, die Relief und Kanten betont, und eine schwache, die von oben aufhellt",
    "Near Axis": "Nahe der Achse",
    "Four lamps around the camera, like a ring light: hardly any shadow, and surfaces that face the camera shine. They follow the "
    "camera":
        "Vier Lampen um die Kamera wie ein Ringlicht: kaum Schatten, und Flächen zur Kamera hin glänzen. Sie folgen der Kamera",
    "1 shows a white surface that faces the soft key lamp about 60 % bright":
        "1 zeigt eine weiße Fläche, die der weichen Hauptlampe zugewandt ist, etwa 60 % hell",
    "Anodised Aluminium, sized in millimetres": "Eloxiertes Aluminium, in Millimetern bemessen",
    "Machined Aluminium, sized in millimetres": "Gefrästes Aluminium, in Millimetern bemessen",
    "Zinc Plated, sized in millimetres": "Verzinkt, in Millimetern bemessen",
    "Brushed Steel, sized in millimetres": "Gebürsteter Stahl, in Millimetern bemessen",
    "Cast Iron, sized in millimetres": "Gusseisen, in Millimetern bemessen",
    "Black Plastic, sized in millimetres": "Schwarzer Kunststoff, in Millimetern bemessen",
    "Rubber, sized in millimetres": "Gummi, in Millimetern bemessen",
    "Red Rubber, sized in millimetres": "Roter Gummi, in Millimetern bemessen",
    "Wood, sized in millimetres": "Holz, in Millimetern bemessen",
    "Felt, sized in millimetres": "Filz, in Millimetern bemessen",
    "Own Colour and Gloss": "Eigene Farbe und eigener Glanz",
    "Choose how the finish looks; it becomes a material of its own":
        "Wählen, wie die Oberfläche aussieht; sie wird ein eigenes Material",
    "Colour of the surface; metals, wood and glass keep theirs": "Farbe der Oberfläche; Metalle, Holz und Glas behalten ihre",
    "0 is matt, 1 like a mirror": "0 ist matt, 1 wie ein Spiegel",
    "0 is matt, 1 like a mirror. It is not taken from the photo, which would need known lamps":
        "0 ist matt, 1 wie ein Spiegel. Er wird nicht dem Foto entnommen, wozu die Lampen bekannt sein müssten",
    "Deepest Class": "Tiefste Klasse",
    "Along the camera's view, make the box as deep as the deepest class, so that no part is ever cut off. Otherwise it is as deep as "
    "the typical class, and one part that stands on edge does not make all others small":
        "Den Quader in Blickrichtung so tief machen wie die tiefste Klasse, sodass kein Teil je abgeschnitten wird. Sonst ist er "
        "so tief wie die typische Klasse, und ein hochkant stehendes Teil macht nicht alle anderen klein",
    "The photo": "Das Foto",
    "Object, class or collection": "Objekt, Klasse oder Sammlung",
    "What the camera sees behind the parts: 0 black, 1 white (linear light)":
        "Was die Kamera hinter den Teilen sieht: 0 schwarz, 1 weiß (lineares Licht)",
    "What the camera sees behind the parts is this colour times the brightness":
        "Was die Kamera hinter den Teilen sieht, ist diese Farbe mal der Helligkeit",
    "Light Apart": "Licht getrennt",
    "Light the parts differently from what the camera sees, for example dimly before a white backdrop":
        "Die Teile anders beleuchten, als die Kamera es sieht, etwa schwach vor weißem Hintergrund",
    "How brightly the background lights the parts from all sides; they also mirror it":
        "Wie hell der Hintergrund die Teile von allen Seiten beleuchtet; sie spiegeln ihn auch",
    "Light Colour": "Lichtfarbe",
    "Colour of the light that the background gives": "Farbe des Lichts, das der Hintergrund gibt",
    "Camera and part are fixed: 1 % of the distance, 1° (roll 2°); less with a long lens":
        "Kamera und Teil stehen fest: 1 % des Abstands, 1° (Rollen 2°); weniger bei langer Brennweite",
    "The part is placed by hand or a conveyor: 3 % of the distance, 3° (roll 5°); less with a long lens":
        "Das Teil wird von Hand oder vom Förderer gelegt: 3 % des Abstands, 3° (Rollen 5°); weniger bei langer Brennweite",
    "The part lies freely: 8 % of the distance, 6° and any roll; less with a long lens":
        "Das Teil liegt frei: 8 % des Abstands, 6° und beliebiges Rollen; weniger bei langer Brennweite",
    "Place of the class in the list": "Platz der Klasse in der Liste",
    "Index": "Index",
    "Results": "Ergebnisse",
    "Render": "Rendern",
    "Lamps around the parts, sized to them; choose soft, hard, low or near the camera's axis in Adjust Last Operation. Pressing "
    "again replaces them":
        "Lampen um die Teile, nach ihnen bemessen; weich, hart, flach oder nahe der Kameraachse unter „Letzte Operation "
        "anpassen“ wählen. Nochmaliges Drücken ersetzt sie",
    "Give the selected objects the colour of a spot in a real photo: choose the photo, then click the spot. A photo does not tell the "
    "gloss, as it does not tell the lamps; set it in Adjust Last Operation":
        "Den ausgewählten Objekten die Farbe einer Stelle in einem echten Foto geben: das Foto wählen, dann die Stelle "
        "anklicken. Ein Foto verrät den Glanz nicht, weil es die Lampen nicht verrät; er steht unter „Letzte Operation anpassen“",
    "Give the selected objects the colour of a spot in a real photo. A photo does not tell the gloss; move the spot and set the gloss "
    "in Adjust Last Operation":
        "Den ausgewählten Objekten die Farbe einer Stelle in einem echten Foto geben. Ein Foto verrät den Glanz nicht; Stelle und "
        "Glanz lassen sich unter „Letzte Operation anpassen“ ändern",
    "Make the background one even grey or colour, as in the paper, with a light of its own if wanted; and put a table under the parts "
    "if wanted":
        "Den Hintergrund gleichmäßig grau oder farbig machen, wie in der Veröffentlichung, auf Wunsch mit eigenem Licht und mit "
        "einem Tisch unter den Teilen",
    "Set the camera's movement to suit its distance from the region and its field of view":
        "Die Bewegung der Kamera passend zu ihrem Abstand von der Region und ihrem Bildfeld setzen",
    # Jobs
    "{title}: stopping": "{title}: hält an",
    "{title}: starting, {time}": "{title}: startet, {time}",
    "{stage}: {done} of {total}": "{stage}: {done} von {total}",
    "{stage}: {done} of {total}, {time} left": "{stage}: {done} von {total}, noch {time}",
    "Rendering references": "Referenzen rendern",
    "Embedding references": "Referenzen einbetten",
    "Embedding photos": "Fotos einbetten",
    "Validate": "Validieren",
    "Classify": "Klassifizieren",
    "nothing": "nichts",
    "{name} shows": "{name} zeigt",
    "{name} shows nothing of its own": "{name} zeigt nichts Eigenes",
    # Results
    "No problems found": "Keine Probleme gefunden",
    "Macro F1": "Makro-F1",
    "Prec.": "Präz.",
    "Recall": "Treffer",
    "The confusion matrix is in the report": "Die Verwechslungsmatrix steht im Bericht",
    "True class in rows, predicted in columns": "Wahre Klasse in Zeilen, vorhergesagte in Spalten",
    "Photo, nearest reference, and in red where they differ": "Foto, ähnlichste Referenz und in Rot, wo sie sich unterscheiden",
    "A class is a label that photos get. Select a part and make a class of it; a class that shows nothing stands for the "
    "absent part.":
        "Eine Klasse ist eine Bezeichnung, die Fotos erhalten. Ein Teil auswählen und eine Klasse daraus machen; eine Klasse, "
        "die nichts zeigt, steht für das fehlende Teil.",
    "Every photo gets one of the classes, even of another object. Validate with photos of no class, and such photos become "
    "unknown.":
        "Jedes Foto erhält eine der Klassen, auch das eines anderen Gegenstands. Nach einer Validierung mit Fotos ohne Klasse "
        "sind solche Fotos unbekannt.",
    "This file was saved with a newer version of the extension; update it before you save.":
        "Diese Datei wurde mit einer neueren Version der Erweiterung gespeichert; vor dem Speichern aktualisieren.",
    # Preferences
    "Manual": "Handbuch",
    "Open the manual's page on this in the web browser. No network is needed":
        "Die Seite des Handbuchs dazu im Webbrowser öffnen. Dazu wird kein Netz gebraucht",
    "Page": "Seite",
    "File of the page below docs/, and a heading after #": "Datei der Seite unter docs/ und eine Überschrift nach #",
    "This copy of the extension came without its manual": "Diese Erweiterung kam ohne ihr Handbuch",
    "What Messages Mean": "Was Meldungen bedeuten",
    "Encoder Folder": "Encoder-Ordner",
    "Threads": "Threads",
    "Runs on": "Läuft auf",
    "Automatic": "Automatisch",
    "Processor": "Prozessor",
    "Runs on every machine": "Läuft auf jedem Rechner",
    # Resting positions and the camera of a photo
    "Add Resting Positions": "Ruhelagen hinzufügen",
    "Make variants of the class that show its part on every side on which it rests on a table, and turned"
    " if wanted. They share its meshes; pressing again replaces them":
        "Erzeugt Varianten der Klasse, die ihr Teil auf jeder Seite zeigen, auf der es auf einem Tisch liegen"
        " bleibt, auf Wunsch auch gedreht. Sie teilen sich seine Netze; erneutes Drücken ersetzt sie",
    "Least Share": "Mindestanteil",
    "Leave out positions in which fewer of the dropped parts come to rest. The shares are estimates: a "
    "part that bounces finds its deepest position more often":
        "Lässt Lagen weg, in denen weniger der fallen gelassenen Teile liegen bleiben. Die Anteile sind "
        "geschätzt: Ein Teil, das springt, findet seine tiefste Lage öfter",
    "Positions": "Lagen",
    "The positions that become variants, the most frequent first":
        "Die Lagen, die Varianten werden, die häufigste zuerst",
    "Turns": "Drehungen",
    "Directions in which each position is shown, evenly spread: 4 are 90° apart, 6 are 60°. Where the "
    "camera looks from above, a roll of the camera (Jitter, Z) turns the part by any angle at no cost":
        "Richtungen, in denen jede Lage gezeigt wird, gleichmäßig verteilt: 4 liegen 90° auseinander, 6 "
        "liegen 60° auseinander. Blickt die Kamera von oben, dreht ein Rollen der Kamera (Streuung, Z) das "
        "Teil ohne Mehraufwand um jeden Winkel",
    "Match Camera to Photo": "Kamera an Foto anpassen",
    "Find where the backdrop was taken from: click a corner of the part, then the same corner in the "
    "photo, and so on; four corners or more, better six at different heights":
        "Findet, von wo das Hintergrundfoto aufgenommen wurde: eine Ecke des Teils anklicken, dann dieselbe "
        "Ecke im Foto, und so weiter; mindestens vier Ecken, besser sechs in verschiedenen Höhen",
    "Focal Length": "Brennweite",
    "Where the focal length of the photo comes from": "Woher die Brennweite des Fotos kommt",
    "Find": "Ermitteln",
    "Find it together with the position; needs six points, or four of a plane seen at an angle":
        "Ermittelt sie zusammen mit der Position; braucht sechs Punkte, oder vier einer schräg gesehenen "
        "Ebene",
    "From Photo": "Aus dem Foto",
    "Take it from the photo's EXIF data, which cameras write and many programs drop":
        "Entnimmt sie den EXIF-Daten des Fotos, die Kameras schreiben und viele Programme entfernen",
    "Known Lens": "Bekanntes Objektiv",
    "Enter what lens and sensor are": "Objektiv und Sensor eingeben",
    "Lens": "Objektiv",
    "Focal length in millimetres": "Brennweite in Millimetern",
    "Sensor Width": "Sensorbreite",
    "Width of the sensor in millimetres, that of the part that the photo shows":
        "Breite des Sensors in Millimetern, und zwar des Teils, den das Foto zeigt",
    "Point": "Punkt",
    "In the world": "In der Szene",
    "Pixel": "Pixel",
    "From the photo's left and upper edge": "Vom linken und oberen Rand des Fotos",
    # Match Look
    "Match Look to Photos": "Aussehen an Fotos anpassen",
    "Find the lamps, background, materials and camera distance that make references most like photos of the station. The photos need no labels; the scene is changed at the end, in one step that can be undone":
        "Lampen, Hintergrund, Materialien und Kameraabstand finden, mit denen die Referenzen den Fotos der Station am ähnlichsten sind. Die Fotos brauchen keine Klassen; die Szene wird am Ende in einem Schritt geändert, der sich zurücknehmen lässt",
    "Photos to Match": "Fotos zum Anpassen",
    "Folder of some dozens of photos of the station, to which lamps, background and materials are matched, and toward which the references are moved then. They need no labels. Photos used here make F1 on them too good: validate on others":
        "Ordner mit einigen Dutzend Fotos der Station, an die Lampen, Hintergrund und Materialien angepasst und zu denen hin die Referenzen danach verschoben werden. Sie brauchen keine Klassen. F1 auf diesen Fotos wird dadurch zu gut: mit anderen validieren",
}
# fmt: on
