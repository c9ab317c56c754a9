// SPDX-License-Identifier: MIT-0
// Classify binary PGM and PPM photos with an exported file: classify station.onnx PHOTO.ppm…
// Needs ONNX Runtime 1.17 or newer: c++ -std=c++17 classify.cpp -I include -lonnxruntime -o classify

#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

struct Photo {
    int64_t width, height;
    std::vector<uint8_t> pixels;  // rows from the top, red, green, blue
};

// The next number of a PGM or PPM header, in which comments may stand.
int64_t header_number(std::istream& file) {
    while ((file >> std::ws).peek() == '#') file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    int64_t number = 0;
    if (!(file >> number) || number < 1) throw std::runtime_error("damaged: save it again as binary PGM or PPM");
    return number;
}

// A photo as `classify` reads it, or an error that says what to do. Its largest value is white; a file of 16 bits that says
// no more than 65535 leaves white to `white_level`, which is 0 where the exported file does not know it.
Photo read_photo(const std::string& path, int64_t white_level) {
    std::ifstream file(path, std::ios::binary);
    std::string magic(2, ' ');
    file.read(magic.data(), 2);
    if (magic != "P5" && magic != "P6") throw std::runtime_error("no binary PGM or PPM file: save it as one");
    Photo photo{header_number(file), header_number(file), {}};
    int64_t white = header_number(file);
    file.get();
    if (white > 65535 || photo.width > 100000 || photo.height > 100000)
        throw std::runtime_error("too large or damaged: scale it down");
    const int64_t channels = magic == "P6" ? 3 : 1, bytes = white > 255 ? 2 : 1;
    if (white == 65535) white = white_level;
    if (white == 0) throw std::runtime_error("16 bits and no known white: export the ONNX file with --white-level");
    std::vector<uint8_t> data(photo.width * photo.height * channels * bytes);
    if (!file.read(reinterpret_cast<char*>(data.data()), data.size()))
        throw std::runtime_error("cut off: copy it again");
    photo.pixels.reserve(photo.width * photo.height * 3);
    for (size_t place = 0; place < data.size(); place += bytes) {
        const int64_t value = bytes == 2 ? data[place] << 8 | data[place + 1] : data[place];  // big-endian
        const uint8_t level = (std::min(value, white) * 255 + white / 2) / white;
        photo.pixels.insert(photo.pixels.end(), channels == 3 ? 1 : 3, level);
    }
    return photo;
}

int main(int count, char** arguments) {
    Ort::Env environment;
    Ort::SessionOptions options;
    options.AddConfigEntry("session.x64quantprecision", "1");  // a file of --precision fast, on any processor
    Ort::Session session(environment, arguments[1], options);
    Ort::AllocatorWithDefaultOptions allocator;
    auto metadata = session.GetModelMetadata();
    // A JSON list of class names; the label is a number in it, or -1: unknown, in a file exported with --reject.
    auto classes = metadata.LookupCustomMetadataMapAllocated("simsearch.classes", allocator);
    auto known_white = metadata.LookupCustomMetadataMapAllocated("simsearch.white_level", allocator);
    const int64_t white_level = known_white ? std::stoll(known_white.get()) : 0;
    std::cerr << "classes: " << classes.get() << "\n";

    int status = 0;
    for (int number = 2; number < count; ++number) {
        try {
            Photo photo = read_photo(arguments[number], white_level);
            const int64_t shape[] = {1, photo.height, photo.width, 3};
            auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
            auto images =
                Ort::Value::CreateTensor<uint8_t>(memory, photo.pixels.data(), photo.pixels.size(), shape, 4);
            const char* inputs[] = {"images"};
            const char* outputs[] = {"label", "similarities"};
            auto results = session.Run(Ort::RunOptions(), inputs, &images, 1, outputs, 2);
            std::cout << arguments[number] << " " << results[0].GetTensorData<int64_t>()[0] << " "
                      << results[1].GetTensorData<float>()[0] << "\n";
        } catch (const std::runtime_error& error) {
            std::cerr << arguments[number] << ": " << error.what() << "\n";
            status = 2;
        }
    }
    return status;
}
